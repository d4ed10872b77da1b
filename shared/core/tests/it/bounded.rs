//! Counting that fails a test where it would otherwise go on for ever.

#![expect(clippy::expect_used, clippy::panic, reason = "this is how a test fails")]

/// 0, 1, 2, … below `max`. A test that has not left its loop by then fails.
pub(crate) fn up_to<T: TryFrom<u32>>(max: u32) -> impl Iterator<Item = T> {
    let no_end = std::iter::once_with(move || panic!("no end after {max} rounds"));
    (0..max).map(|nth| T::try_from(nth).ok().expect("a small number")).chain(no_end)
}

#[test]
#[should_panic(expected = "no end after 3 rounds")]
fn a_loop_without_an_end_fails() {
    assert_eq!(up_to::<u64>(3).count(), 3);
}
