//! Log lines: JSON on standard output, where Lambda picks them up.

use adrelay_core::ids::TenantId;
use tracing::Level;

use crate::env::LogLevel;

/// Starts logging from `level` up. A second call changes nothing. No filter language: its tables would be built at
/// every cold start.
pub fn init(level: LogLevel) {
    let level = match level {
        LogLevel::Error => Level::ERROR,
        LogLevel::Warn => Level::WARN,
        LogLevel::Info => Level::INFO,
        LogLevel::Debug => Level::DEBUG,
    };
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_current_span(true)
        .with_span_list(false)
        .with_target(false)
        .with_max_level(level)
        .with_ansi(false)
        // CloudWatch stamps each line itself.
        .without_time()
        .finish();
    if tracing::subscriber::set_global_default(subscriber).is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            // Where, but not what: the payload may quote data.
            let place = panic.location().map(|at| format!("{}:{}", at.file(), at.line()));
            tracing::error!(place = place.as_deref().unwrap_or("unknown"), "panicked");
        }));
    }
}

/// Names the tenant on all further lines of this invocation. For requests; a batch may hold several tenants.
pub fn tenant(id: &TenantId) {
    tracing::Span::current().record("tenant", id.as_str());
}
