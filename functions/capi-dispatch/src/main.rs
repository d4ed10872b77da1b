//! Wires the function; see the library beside it.

// From the runtime down to a call of the SDK the futures nest deeper than the compiler's default.
#![recursion_limit = "256"]

use capi_dispatch::settings::Settings;
use capi_dispatch::wiring;

fn main() -> Result<(), lambda_runtime::Error> {
    adrelay_lambda::start::serve(|env| async move { wiring::function(&env, &Settings::read(&env)?) })
}
