//! The keys of Meta's `user_data`, and the names that callers may use for them.

use super::birth::{date_of_birth, day, month, year};
use super::email::Email;
use super::name::{external_id, gender, name, name_start};
use super::phone::PhoneE164;
use super::place::{city, state, zip};
use super::sha256::without_appendix;
use super::{Country, Refusal, Sha256Hex};

/// A key of Meta's `user_data` (Meta: customer-information-parameters), in the order in which they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "Meta's own names say what they are")]
#[repr(u8)]
pub enum Key {
    Em,
    Ph,
    Fn,
    Ln,
    Db,
    Ge,
    Ct,
    St,
    Zp,
    Country,
    ExternalId,
    F5First,
    F5Last,
    Fi,
    Dobd,
    Dobm,
    Doby,
    ClientIpAddress,
    ClientUserAgent,
    Fbc,
    Fbp,
    SubscriptionId,
    FbLoginId,
    LeadId,
    AnonId,
    Madid,
    PageId,
    PageScopedUserId,
    CtwaClid,
    IgAccountId,
    IgSid,
    PartnerId,
    PartnerName,
}

/// Where a caller's key goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slot {
    /// To Meta's key.
    Key(Key),
    /// Into `fbc`.
    Fbclid,
}

impl Slot {
    /// A number below [`Self::COUNT`], for counting values by slot.
    pub(super) fn index(self) -> usize {
        match self {
            Self::Key(key) => key as usize,
            Self::Fbclid => Self::COUNT - 1,
        }
    }

    pub(super) const COUNT: usize = Key::PartnerName as usize + 2;
}

/// Facts for normal forms that depend on more than the value.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings {
    /// The country posted beside the value: completes phone numbers, tells states and postal codes apart.
    pub country: Option<Country>,
    /// The country to complete phone numbers with where `country` is `None`.
    pub default_country: Option<Country>,
    /// The present year: nobody is born later.
    pub year: i32,
}

impl Key {
    /// Meta's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Em => "em",
            Self::Ph => "ph",
            Self::Fn => "fn",
            Self::Ln => "ln",
            Self::Db => "db",
            Self::Ge => "ge",
            Self::Ct => "ct",
            Self::St => "st",
            Self::Zp => "zp",
            Self::Country => "country",
            Self::ExternalId => "external_id",
            Self::F5First => "f5first",
            Self::F5Last => "f5last",
            Self::Fi => "fi",
            Self::Dobd => "dobd",
            Self::Dobm => "dobm",
            Self::Doby => "doby",
            Self::ClientIpAddress => "client_ip_address",
            Self::ClientUserAgent => "client_user_agent",
            Self::Fbc => "fbc",
            Self::Fbp => "fbp",
            Self::SubscriptionId => "subscription_id",
            Self::FbLoginId => "fb_login_id",
            Self::LeadId => "lead_id",
            Self::AnonId => "anon_id",
            Self::Madid => "madid",
            Self::PageId => "page_id",
            Self::PageScopedUserId => "page_scoped_user_id",
            Self::CtwaClid => "ctwa_clid",
            Self::IgAccountId => "ig_account_id",
            Self::IgSid => "ig_sid",
            Self::PartnerId => "partner_id",
            Self::PartnerName => "partner_name",
        }
    }

    /// Whether Meta takes an array of values, and official tools always send one.
    #[must_use]
    pub fn is_list(self) -> bool {
        self <= Self::ExternalId
    }

    /// Whether values travel as SHA-256.
    #[must_use]
    pub fn is_hashed(self) -> bool {
        self <= Self::Doby
    }

    /// Whether a JSON number may stand for the text of its digits.
    pub(super) fn takes_numbers(self) -> bool {
        !matches!(
            self,
            Self::Em
                | Self::Fn
                | Self::Ln
                | Self::Ge
                | Self::Ct
                | Self::St
                | Self::Country
                | Self::F5First
                | Self::F5Last
                | Self::Fi
                | Self::ClientIpAddress
                | Self::ClientUserAgent
                | Self::Fbc
                | Self::Fbp
                | Self::CtwaClid
                | Self::PartnerName
        )
    }

    /// The SHA-256 of a value's normal form; a value that is a SHA-256 already is taken as it is.
    ///
    /// An external id of 32 hexadecimal digits is hashed like any other: a UUID without dashes is no MD5.
    ///
    /// # Errors
    /// The [`Refusal`] of the key's own rule, [`Refusal::Md5`], or [`Refusal::Identifier`] for a key that is
    /// not hashed.
    pub fn hash(self, value: &str, around: &Surroundings) -> Result<Sha256Hex, Refusal> {
        match Sha256Hex::already(value) {
            Ok(Some(hash)) => Ok(hash),
            Ok(None) => Sha256Hex::of(&self.normal_form(value, around)?),
            Err(Refusal::Md5) if self == Self::ExternalId => {
                Sha256Hex::of(&external_id(without_appendix(value.trim()))?)
            }
            Err(refusal) => Err(refusal),
        }
    }

    /// The normal form of a value of a hashed key: what [`Self::hash`] hashes.
    ///
    /// # Errors
    /// The [`Refusal`] of the key's own rule, or [`Refusal::Identifier`] for a key that is not hashed.
    pub fn normal_form(self, value: &str, around: &Surroundings) -> Result<String, Refusal> {
        match self {
            Self::Em => Email::parse(value).map(|email| email.as_str().to_owned()),
            Self::Ph => {
                let country = around.country.or(around.default_country);
                PhoneE164::parse(value, country).map(|phone| phone.as_str().to_owned())
            }
            Self::Fn | Self::Ln => name(value),
            Self::Db => date_of_birth(value, around.year),
            Self::Ge => gender(value).map(str::to_owned),
            Self::Ct => city(value),
            Self::St => state(value, around.country),
            Self::Zp => zip(value, around.country),
            Self::Country => Country::parse(value).map(|country| country.as_str().to_owned()),
            Self::ExternalId => external_id(value),
            Self::F5First | Self::F5Last => name_start(value, 5),
            Self::Fi => name_start(value, 1),
            Self::Dobd => day(value),
            Self::Dobm => month(value),
            Self::Doby => year(value, around.year),
            _ => Err(Refusal::Identifier),
        }
    }
}

/// Every name a caller may use, ours and Meta's, and where its values go; with the text that warnings show.
pub(super) fn by_name(name: &str) -> Option<(Slot, &'static str)> {
    macro_rules! names {
        ($($name:literal => $slot:expr,)*) => {
            match name {
                $($name => Some(($slot, concat!("user_data.", $name))),)*
                _ => None,
            }
        };
    }
    names! {
        "email" => Slot::Key(Key::Em),
        "phone" => Slot::Key(Key::Ph),
        "first_name" => Slot::Key(Key::Fn),
        "last_name" => Slot::Key(Key::Ln),
        "date_of_birth" => Slot::Key(Key::Db),
        "gender" => Slot::Key(Key::Ge),
        "city" => Slot::Key(Key::Ct),
        "state" => Slot::Key(Key::St),
        "zip" => Slot::Key(Key::Zp),
        "zip_code" => Slot::Key(Key::Zp),
        "country" => Slot::Key(Key::Country),
        "external_id" => Slot::Key(Key::ExternalId),
        "person_id" => Slot::Key(Key::ExternalId),
        "fbclid" => Slot::Fbclid,
        "em" => Slot::Key(Key::Em),
        "ph" => Slot::Key(Key::Ph),
        "fn" => Slot::Key(Key::Fn),
        "ln" => Slot::Key(Key::Ln),
        "db" => Slot::Key(Key::Db),
        "ge" => Slot::Key(Key::Ge),
        "ct" => Slot::Key(Key::Ct),
        "st" => Slot::Key(Key::St),
        "zp" => Slot::Key(Key::Zp),
        "f5first" => Slot::Key(Key::F5First),
        "f5last" => Slot::Key(Key::F5Last),
        "fi" => Slot::Key(Key::Fi),
        "dobd" => Slot::Key(Key::Dobd),
        "dobm" => Slot::Key(Key::Dobm),
        "doby" => Slot::Key(Key::Doby),
        "client_ip_address" => Slot::Key(Key::ClientIpAddress),
        "client_user_agent" => Slot::Key(Key::ClientUserAgent),
        "fbc" => Slot::Key(Key::Fbc),
        "fbp" => Slot::Key(Key::Fbp),
        "subscription_id" => Slot::Key(Key::SubscriptionId),
        "fb_login_id" => Slot::Key(Key::FbLoginId),
        "lead_id" => Slot::Key(Key::LeadId),
        "anon_id" => Slot::Key(Key::AnonId),
        "madid" => Slot::Key(Key::Madid),
        "page_id" => Slot::Key(Key::PageId),
        "page_scoped_user_id" => Slot::Key(Key::PageScopedUserId),
        "ctwa_clid" => Slot::Key(Key::CtwaClid),
        "ig_account_id" => Slot::Key(Key::IgAccountId),
        "ig_sid" => Slot::Key(Key::IgSid),
        "partner_id" => Slot::Key(Key::PartnerId),
        "partner_name" => Slot::Key(Key::PartnerName),
    }
}
