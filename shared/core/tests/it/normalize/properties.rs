//! What holds for every input whatever.

use adrelay_core::normalize::{
    Country, Key, Refusal, Sha256Hex, Surroundings, UserDataContext, UserDataInput, date_of_birth,
};
use adrelay_core::time::UnixMillis;
use proptest::prelude::*;

const HASHED: [Key; 17] = [
    Key::Em,
    Key::Ph,
    Key::Fn,
    Key::Ln,
    Key::Db,
    Key::Ge,
    Key::Ct,
    Key::St,
    Key::Zp,
    Key::Country,
    Key::ExternalId,
    Key::F5First,
    Key::F5Last,
    Key::Fi,
    Key::Dobd,
    Key::Dobm,
    Key::Doby,
];

const NAMES: [&str; 22] = [
    "email",
    "phone",
    "first_name",
    "last_name",
    "city",
    "state",
    "zip",
    "country",
    "date_of_birth",
    "gender",
    "external_id",
    "person_id",
    "fbp",
    "fbc",
    "fbclid",
    "client_ip_address",
    "client_user_agent",
    "lead_id",
    "madid",
    "em",
    "ph",
    "no_such_key",
];

const OF_NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn around(country: Option<&str>) -> Surroundings {
    Surroundings {
        country: country.and_then(|code| Country::parse(code).ok()),
        default_country: None,
        year: 2026,
    }
}

fn countries() -> impl Strategy<Value = Option<&'static str>> {
    prop::sample::select(vec![None, Some("us"), Some("ca"), Some("de"), Some("it"), Some("jp")])
}

/// Any text, and texts near to what the rules look for.
fn texts() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "\\PC{0,24}",
        "[ \u{200b}\u{feff}\u{301}\u{37e}\u{130}\u{3a3}'.,_A-Za-zÀ-ž-]{0,16}",
        "[+(]{0,2}[0-9٠-٩ ().x/-]{0,20}(ext\\. ?[0-9]{1,4})?",
        "[0-9]{1,4}[-./ ][0-9]{1,4}[-./ ][0-9]{1,4}",
        "[a-zA-Zé.\u{200b}]{1,8}@[a-zA-Zä.-]{1,8}\\.[a-z]{2,3}",
        "[0-9a-fA-F]{31,33}|[0-9a-fA-F]{63,65}(\\.[A-Za-z0-9_-]{2,8})?",
        "fb\\.[0-9]{0,2}\\.[0-9]{0,13}\\.[A-Za-z0-9.]{0,9}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_hash_is_64_lowercase_digits_and_never_that_of_nothing(text in texts(), country in countries()) {
        for key in HASHED {
            if let Ok(hash) = key.hash(&text, &around(country)) {
                let hash = hash.as_str();
                prop_assert_eq!(hash.len(), 64);
                prop_assert!(hash.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')));
                prop_assert_ne!(hash, OF_NOTHING);
            }
        }
    }

    #[test]
    fn a_normal_form_is_its_own_normal_form(text in texts(), country in countries()) {
        for key in HASHED {
            // A number without a plus is read in its country anew, so there only a number of that country is
            // stable.
            let country = if key == Key::Ph { None } else { country };
            if let Ok(normal) = key.normal_form(&text, &around(country)) {
                prop_assert!(!normal.is_empty());
                prop_assert_eq!(key.normal_form(&normal, &around(country)), Ok(normal), "{:?} {:?}", key, text);
            }
        }
    }

    #[test]
    fn a_completed_phone_number_is_stable_behind_its_plus(digits in "[0-9]{7,11}", country in countries()) {
        if let Ok(normal) = Key::Ph.normal_form(&digits, &around(country)) {
            let again = Key::Ph.normal_form(&format!("+{normal}"), &around(country)).unwrap();
            // At most the trunk zero behind the country code goes, and no other digit comes.
            prop_assert!(again.len() <= normal.len(), "{} {}", normal, again);
        }
    }

    #[test]
    fn what_is_blank_is_left_out_for_every_key(text in "[ \t\n\u{a0}\u{3000}\u{200b}\u{feff}]{0,8}", country in countries()) {
        for key in HASHED {
            prop_assert_eq!(key.hash(&text, &around(country)), Err(Refusal::Empty), "{:?}", key);
        }
    }

    #[test]
    fn a_hash_goes_through_every_key_unchanged(digest in "[0-9a-fA-F]{64}", appendix in "(\\.[A-Za-z0-9_-]{8}|\\.B[A-Qg])?") {
        for key in HASHED {
            let hash = key.hash(&format!("{digest}{appendix}"), &around(None));
            prop_assert_eq!(hash.map(|hash| hash.as_str().to_owned()), Ok(digest.to_lowercase()));
        }
    }

    #[test]
    fn a_real_day_is_read_back_from_every_unambiguous_order(year in 1800_i32..=2026, month in 1_u32..=12, day in 13_u32..=28) {
        let wanted = format!("{year:04}{month:02}{day:02}");
        for text in [
            format!("{year}-{month:02}-{day:02}"), format!("{day}.{month}.{year}"), format!("{month}/{day}/{year}"),
            format!("{year}/{month}/{day}"), wanted.clone(),
        ] {
            prop_assert_eq!(date_of_birth(&text, 2026), Ok(wanted.clone()), "{}", text);
        }
    }

    #[test]
    fn whole_objects_never_panic_and_repeat_themselves(
        fields in prop::collection::vec((prop::sample::select(NAMES.to_vec()), texts()), 0..40)
    ) {
        let context = UserDataContext::at(UnixMillis(1_700_000_000_123));
        let run = || {
            let mut input = UserDataInput::default();
            for (name, value) in &fields {
                input.push(name, value.as_str());
            }
            input.normalize(&context)
        };
        let (first, second) = (run(), run());
        let json = serde_json::to_string(&first.user_data).unwrap();
        prop_assert_eq!(&json, &serde_json::to_string(&second.user_data).unwrap());
        prop_assert_eq!(first.warnings, second.warnings);
        prop_assert!(!json.contains(OF_NOTHING));
        let keys: Vec<&str> = first.user_data.keys().collect();
        let sent: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(keys.len(), sent.len());
        prop_assert!(keys.iter().all(|key| sent.contains_key(*key)));
    }

    #[test]
    fn no_hashed_value_and_no_warning_shows_what_was_posted(secret in "[A-Z][a-z]{11}") {
        let posted = format!("Canary{secret}");
        let mut input = UserDataInput::default();
        for name in ["first_name", "last_name", "city", "state", "zip", "external_id", "gender", "country", "phone", "email"] {
            input.push(name, posted.as_str());
        }
        input.push(&posted, "x");
        let outcome = input.normalize(&UserDataContext::at(UnixMillis(0)));
        let all = format!("{outcome:?}{}{}", serde_json::to_string(&outcome.user_data).unwrap(),
            serde_json::to_string(&outcome.warnings).unwrap());
        prop_assert!(!all.to_lowercase().contains(&secret.to_lowercase()));
    }
}

#[test]
fn the_hash_of_nothing_is_refused_even_where_it_is_posted_as_a_hash() {
    assert_eq!(Sha256Hex::already(OF_NOTHING), Err(Refusal::Empty));
}
