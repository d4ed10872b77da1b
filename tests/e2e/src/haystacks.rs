//! Where something could show up, and what is there.

/// Names of places, each with a text that stands there.
pub type Haystacks = Vec<(String, String)>;

/// Checks that none of the needles stands anywhere, in upper or lower case.
///
/// # Errors
/// Where one does, naming the place.
pub fn found_nowhere<'a>(
    needles: impl Iterator<Item = &'a str>,
    haystacks: &Haystacks,
) -> anyhow::Result<()> {
    let lower: Vec<(&str, String)> =
        haystacks.iter().map(|(place, text)| (place.as_str(), text.to_lowercase())).collect();
    for needle in needles {
        anyhow::ensure!(needle.len() > 3, "{needle:?} is too short to mean anything");
        let needle = needle.to_lowercase();
        if let Some((place, text)) = lower.iter().find(|(_, text)| text.contains(&needle)) {
            anyhow::bail!("a canary in {place}: {text}");
        }
    }
    Ok(())
}

/// Checks that each place holds the text beside it: what is looked for nowhere was looked for where it would be.
///
/// # Errors
/// Where one does not.
pub fn found_each(wanted: &[(&str, &str)], haystacks: &Haystacks) -> anyhow::Result<()> {
    for (place, wanted) in wanted {
        let found = haystacks.iter().any(|(known, text)| known == place && text.contains(wanted));
        anyhow::ensure!(found, "{place} holds no {wanted}, so nothing was shown of it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{found_each, found_nowhere};

    #[test]
    fn a_needle_is_found_in_either_case() {
        let haystacks = vec![("a log".to_owned(), "to Bob@Example.com".to_owned())];
        assert!(found_nowhere(["bob@example.com"].into_iter(), &haystacks).is_err());
        assert!(found_nowhere(["BOB@EXAMPLE"].into_iter(), &haystacks).is_err());
        found_nowhere(["alice@example.com"].into_iter(), &haystacks).unwrap();
        assert!(found_nowhere([""].into_iter(), &vec![]).is_err());
    }

    #[test]
    fn a_place_that_was_not_looked_at_is_an_error() {
        let haystacks = vec![("a log".to_owned(), "event e1".to_owned())];
        found_each(&[("a log", "e1")], &haystacks).unwrap();
        assert!(found_each(&[("a log", "e2")], &haystacks).is_err());
        assert!(found_each(&[("a table", "e1")], &haystacks).is_err());
    }
}
