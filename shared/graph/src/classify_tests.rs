use super::*;

const WAIT: Verdict = Verdict::Wait { ms: LIMIT_WAIT_MS };
const LONG_WAIT: Verdict = Verdict::Wait { ms: 3_600_000 };

/// Every code and subcode that Meta documents for these calls, with what must come of it: code, subcode,
/// HTTP status, verdict.
const DOCUMENTED: &[(i64, Option<i64>, u16, Verdict)] = &[
    // Conversions API
    (100, Some(2_804_001), 400, Verdict::BadData),
    (100, Some(2_804_003), 400, Verdict::BadData),
    (100, Some(2_804_007), 400, Verdict::BadData),
    (100, Some(2_804_016), 400, Verdict::BadData),
    (100, Some(2_804_017), 400, Verdict::BadData),
    (100, Some(2_804_019), 400, Verdict::BadData),
    (100, Some(2_804_048), 400, Verdict::BadData),
    (100, Some(2_804_050), 400, Verdict::BadData),
    (100, None, 400, Verdict::BadData),
    (100, Some(33), 400, Verdict::Permission),
    (190, None, 401, Verdict::Token),
    (190, None, 400, Verdict::Token),
    (200, None, 403, Verdict::Permission),
    (10, None, 400, Verdict::Permission),
    // The general list
    (1, None, 500, Verdict::Retry),
    (1, Some(99), 400, Verdict::Retry),
    (2, None, 503, Verdict::Retry),
    (3, None, 400, Verdict::Permission),
    (4, None, 400, WAIT),
    (17, None, 400, WAIT),
    (32, None, 400, WAIT),
    (102, None, 400, Verdict::Token),
    (104, None, 400, Verdict::Permission),
    (190, Some(458), 400, Verdict::Token),
    (190, Some(459), 400, Verdict::Token),
    (190, Some(460), 400, Verdict::Token),
    (190, Some(463), 400, Verdict::Token),
    (190, Some(464), 400, Verdict::Token),
    (190, Some(467), 400, Verdict::Token),
    (190, Some(492), 400, Verdict::Token),
    (200, Some(1_870_034), 403, Verdict::Permission),
    (270, None, 400, Verdict::Permission),
    (299, None, 400, Verdict::Permission),
    (341, None, 400, WAIT),
    (368, None, 400, LONG_WAIT),
    (506, None, 400, Verdict::BadData),
    (613, None, 400, WAIT),
    (803, None, 404, Verdict::Permission),
    (960, None, 400, Verdict::Retry),
    (2500, None, 400, Verdict::BadData),
    (2635, None, 400, Verdict::Permission),
    (2650, Some(1_870_145), 400, Verdict::Wait { ms: 300_000 }),
    (2650, Some(1_870_158), 400, Verdict::BadData),
    (2654, None, 400, Verdict::BadData),
    (2656, None, 400, Verdict::BadData),
    (3018, None, 400, Verdict::BadData),
    (80_000, None, 400, WAIT),
    (80_001, None, 400, WAIT),
    (80_002, None, 400, WAIT),
    (80_003, None, 400, WAIT),
    (80_004, None, 400, WAIT),
    (80_005, None, 400, WAIT),
    (80_006, None, 400, WAIT),
    (80_008, None, 400, WAIT),
    (80_009, None, 400, WAIT),
    (80_014, None, 400, WAIT),
    (1_609_005, None, 400, Verdict::BadData),
    (31, Some(99), 400, Verdict::Retry),
    // Subcodes of limits
    (17, Some(2_446_079), 400, WAIT),
    (17, Some(1_885_172), 400, LONG_WAIT),
    (613, Some(1_487_742), 400, WAIT),
    (613, Some(5_044_001), 400, Verdict::Wait { ms: 5_000 }),
    (613, Some(1_487_632), 400, Verdict::Wait { ms: 900_000 }),
    (613, Some(1_487_225), 400, WAIT),
    (613, Some(1_996), 400, WAIT),
    (4, Some(1_504_022), 400, WAIT),
    // Insights
    (-2, Some(2_490_547), 400, Verdict::Retry),
    (-3, Some(1_504_045), 400, Verdict::Retry),
    (2, Some(1_504_038), 400, Verdict::Retry),
];

fn error(code: i64, subcode: Option<i64>, http_status: u16) -> MetaError {
    MetaError { code, subcode, http_status, ..MetaError::default() }
}

#[test]
fn every_documented_code_has_its_verdict() {
    for (code, subcode, status, verdict) in DOCUMENTED {
        assert_eq!(classify(&error(*code, *subcode, *status), 0), *verdict, "{code}/{subcode:?}");
    }
}

#[test]
fn the_code_decides_before_the_status() {
    for (code, subcode, _, verdict) in DOCUMENTED {
        for status in [200, 400, 401, 403, 429, 500, 503] {
            assert_eq!(classify(&error(*code, *subcode, status), 0), *verdict, "{code}/{subcode:?} {status}");
        }
    }
}

#[test]
fn what_is_transient_is_retried_and_a_limit_is_waited_for_all_the_same() {
    let cases =
        [(104, Verdict::Retry), (100, Verdict::Retry), (190, Verdict::Retry), (4, WAIT), (80_004, WAIT)];
    for (code, verdict) in cases {
        let transient = MetaError { is_transient: true, ..error(code, None, 400) };
        assert_eq!(classify(&transient, 0), verdict, "{code}");
    }
}

#[test]
fn a_limit_waits_what_the_headers_ask_for_within_a_day() {
    assert_eq!(classify(&error(80_004, None, 400), 300_000), Verdict::Wait { ms: 300_000 });
    assert_eq!(classify(&error(4, None, 400), u64::MAX), Verdict::Wait { ms: MAX_WAIT_MS });
    assert_eq!(classify(&error(1, None, 500), 300_000), Verdict::Retry);
}

#[test]
fn an_unknown_code_falls_back_on_the_status() {
    let cases = [
        (200, Verdict::BadData),
        (400, Verdict::BadData),
        (401, Verdict::Token),
        (403, Verdict::Permission),
        (429, WAIT),
        (500, Verdict::Retry),
        (503, Verdict::Retry),
    ];
    for (status, verdict) in cases {
        assert_eq!(classify(&error(987_654, None, status), 0), verdict, "{status}");
    }
}

#[test]
fn an_answer_without_an_envelope_is_judged_by_its_status() {
    let cases = [
        (200, Verdict::UnknownOutcome),
        (204, Verdict::UnknownOutcome),
        (302, Verdict::UnknownOutcome),
        (400, Verdict::BadData),
        (404, Verdict::Permission),
        (408, Verdict::Retry),
        (413, Verdict::BadData),
        (502, Verdict::Retry),
    ];
    for (status, verdict) in cases {
        assert_eq!(classify(&error(0, None, status), 0), verdict, "{status}");
    }
    assert_eq!(classify(&error(0, None, 429), 7_000), Verdict::Wait { ms: 7_000 });
}

#[test]
fn no_row_is_hidden_by_an_earlier_one() {
    for (index, (when, _)) in TABLE.iter().enumerate() {
        let sample = match when {
            Codes(codes) => error(*codes.start(), None, 400),
            Exactly(code, subcode) => error(*code, Some(*subcode), 400),
            Subcode(subcode) => error(987_654, Some(*subcode), 400),
            Transient => MetaError { is_transient: true, ..error(987_654, None, 400) },
        };
        let first = TABLE.iter().position(|(when, _)| when.fits(&sample));
        assert_eq!(first, Some(index), "{sample:?}");
    }
}
