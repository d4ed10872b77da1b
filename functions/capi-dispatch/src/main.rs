//! Wires the function; see the library beside it.

use capi_dispatch::settings::Settings;
use capi_dispatch::wiring;

fn main() -> Result<(), lambda_runtime::Error> {
    adrelay_lambda::start::serve(|env| async move { wiring::function(&env, &Settings::read(&env)?) })
}
