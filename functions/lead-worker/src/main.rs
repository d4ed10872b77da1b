//! Wires the function; see the library beside it.

use lead_worker::settings::Settings;
use lead_worker::wiring;

fn main() -> Result<(), lambda_runtime::Error> {
    adrelay_lambda::start::serve(|env| async move { wiring::function(&env, &Settings::read(&env)?) })
}
