//! Wires the function; see the library beside it.

fn main() -> Result<(), lambda_runtime::Error> {
    adrelay_lambda::start::serve(|env| async move { admin_api::wiring::function(&env) })
}
