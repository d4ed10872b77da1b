//! Where an event happened, and what Meta wants to know for each kind (Meta: server-event).

use serde_json::value::RawValue;

use super::fields::Fields;
use super::path::Path;
use super::refusal::{Notes, RefusalCode};
use super::typed;
use crate::normalize::{HashedUserData, Key};

/// Meta's `action_source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActionSource {
    /// By e-mail.
    Email,
    /// On a website.
    Website,
    /// In a mobile app.
    App,
    /// Over the phone.
    PhoneCall,
    /// In a chat.
    Chat,
    /// In a shop.
    PhysicalStore,
    /// By itself, such as a renewal or a stage in a CRM.
    SystemGenerated,
    /// In Messenger, Instagram or `WhatsApp`.
    BusinessMessaging,
    /// Anywhere else.
    Other,
}

impl ActionSource {
    const ALL: [Self; 9] = [
        Self::Email,
        Self::Website,
        Self::App,
        Self::PhoneCall,
        Self::Chat,
        Self::PhysicalStore,
        Self::SystemGenerated,
        Self::BusinessMessaging,
        Self::Other,
    ];

    /// Meta's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Website => "website",
            Self::App => "app",
            Self::PhoneCall => "phone_call",
            Self::Chat => "chat",
            Self::PhysicalStore => "physical_store",
            Self::SystemGenerated => "system_generated",
            Self::BusinessMessaging => "business_messaging",
            Self::Other => "other",
        }
    }

    /// Reads Meta's word.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.as_str() == text)
    }

    /// Reads the field. Absent is `website` where there is a URL, else `system_generated`.
    pub(crate) fn read(raw: Option<&RawValue>, has_url: bool, notes: &mut Notes) -> Option<Self> {
        let Some(raw) = raw else {
            return Some(if has_url { Self::Website } else { Self::SystemGenerated });
        };
        let path = Path::root("action_source");
        let text = typed::text(raw, path, notes)?;
        let known = Self::parse(&text);
        if known.is_none() {
            notes.refuse(RefusalCode::ActionSourceUnknown, path);
        }
        known
    }

    /// Refuses what lacks a field that this kind of event needs. Those of `app_data` are checked there.
    pub(crate) fn require(self, fields: &Fields<'_>, user_data: &HashedUserData, notes: &mut Notes) {
        match self {
            Self::Website => {
                if fields.event_source_url.is_none() {
                    notes.refuse(RefusalCode::EventSourceUrlMissing, "event_source_url");
                }
                if !user_data.has(Key::ClientUserAgent) {
                    notes.refuse(RefusalCode::ClientUserAgentMissing, "user_data.client_user_agent");
                }
            }
            Self::App if fields.app_data.is_none() => notes.refuse(RefusalCode::AppDataMissing, "app_data"),
            Self::BusinessMessaging => {
                if fields.messaging_channel.is_none() {
                    notes.refuse(RefusalCode::MessagingChannelMissing, "messaging_channel");
                }
                let whatsapp = user_data.has(Key::CtwaClid) && user_data.has(Key::PageId);
                let instagram = user_data.has(Key::IgSid) && user_data.has(Key::IgAccountId);
                if !(whatsapp || instagram || user_data.has(Key::PageScopedUserId)) {
                    notes.refuse(RefusalCode::MessagingIdsMissing, "user_data");
                }
            }
            _ => {}
        }
    }
}
