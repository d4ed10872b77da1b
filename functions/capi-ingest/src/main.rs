//! Wires the function; see the library beside it.

use capi_ingest::settings::Settings;
use capi_ingest::wiring;

/// A thousand events are some fifty thousand small pieces of text: the system's allocator took a tenth of the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), lambda_runtime::Error> {
    adrelay_lambda::start::serve(|env| async move { wiring::function(&env, &Settings::read(&env)?) })
}
