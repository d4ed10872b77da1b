//! Wires the function; see the library beside it.

use track_conversion::settings::Settings;
use track_conversion::wiring;

fn main() -> Result<(), lambda_runtime::Error> {
    adrelay_lambda::start::serve(|env| async move { wiring::function(&env, &Settings::read(&env)?) })
}
