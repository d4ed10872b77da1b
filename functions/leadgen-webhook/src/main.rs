//! Wires the function; see the library beside it.

use leadgen_webhook::settings::Settings;
use leadgen_webhook::wiring;

fn main() -> Result<(), lambda_runtime::Error> {
    adrelay_lambda::start::serve(|env| async move { wiring::function(&env, Settings::read(&env)?).await })
}
