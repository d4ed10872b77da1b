//! Event names that Meta knows (Meta: standard events).

use crate::config::Source;

/// Meta's standard events. Names are case-sensitive; anything else is a custom event.
pub const STANDARD: [&str; 18] = [
    "AddPaymentInfo",
    "AddToCart",
    "AddToWishlist",
    "CompleteRegistration",
    "Contact",
    "CustomizeProduct",
    "Donate",
    "FindLocation",
    "InitiateCheckout",
    "Lead",
    "PageView",
    "Purchase",
    "Schedule",
    "Search",
    "StartTrial",
    "SubmitApplication",
    "Subscribe",
    "ViewContent",
];

/// The event whose worth Meta must know.
pub const PURCHASE: &str = "Purchase";

/// What a source takes from public keys: an event by this name, and amounts of money with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PublicRights {
    pub(crate) name: bool,
    pub(crate) values: bool,
}

/// A source that lists names takes those, with their values. One that lists none takes the standard ones but
/// Purchase, without values: anybody can forge what a browser sends.
pub(crate) fn public_rights(source: &Source, event_name: &str) -> PublicRights {
    let listed = source.public_event_names.iter().any(|name| name.as_str() == event_name);
    let by_default =
        source.public_event_names.is_empty() && event_name != PURCHASE && STANDARD.contains(&event_name);
    PublicRights { name: listed || by_default, values: listed }
}
