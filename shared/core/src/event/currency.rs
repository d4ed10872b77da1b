//! ISO 4217: the currencies and fund codes that are active. Precious metals, drawing rights, bond units and the
//! codes for tests are no money that a conversion is worth.

/// Sorted, so that it can be searched. As of 2026: without ANG, BGN, CUC, HRK, SLL and ZWL, which have been withdrawn.
const ACTIVE: &[&str] = &[
    "AED", "AFN", "ALL", "AMD", "AOA", "ARS", "AUD", "AWG", "AZN", "BAM", "BBD", "BDT", "BHD", "BIF", "BMD",
    "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE", "CHF", "CHW", "CLF",
    "CLP", "CNY", "COP", "COU", "CRC", "CUP", "CVE", "CZK", "DJF", "DKK", "DOP", "DZD", "EGP", "ERN", "ETB",
    "EUR", "FJD", "FKP", "GBP", "GEL", "GHS", "GIP", "GMD", "GNF", "GTQ", "GYD", "HKD", "HNL", "HTG", "HUF",
    "IDR", "ILS", "INR", "IQD", "IRR", "ISK", "JMD", "JOD", "JPY", "KES", "KGS", "KHR", "KMF", "KPW", "KRW",
    "KWD", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LYD", "MAD", "MDL", "MGA", "MKD", "MMK", "MNT",
    "MOP", "MRU", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD",
    "OMR", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "PYG", "QAR", "RON", "RSD", "RUB", "RWF", "SAR", "SBD",
    "SCR", "SDG", "SEK", "SGD", "SHP", "SLE", "SOS", "SRD", "SSP", "STN", "SVC", "SYP", "SZL", "THB", "TJS",
    "TMT", "TND", "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "UGX", "USD", "USN", "UYI", "UYU", "UYW", "UZS",
    "VED", "VES", "VND", "VUV", "WST", "XAF", "XCD", "XCG", "XOF", "XPF", "YER", "ZAR", "ZMW", "ZWG",
];

/// The code in upper case, whatever the case it came in (Meta's own SDKs send both); absent where it is none.
pub(crate) fn parse(text: &str) -> Option<&'static str> {
    let text = text.trim();
    let mut upper = [0; 3];
    upper.copy_from_slice(text.as_bytes().get(..3).filter(|_| text.len() == 3)?);
    upper.make_ascii_uppercase();
    ACTIVE.binary_search_by(|code| code.as_bytes().cmp(&upper)).ok().map(|at| ACTIVE[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted() {
        assert!(ACTIVE.is_sorted());
    }

    #[test]
    fn any_case_is_read_and_anything_else_refused() {
        assert_eq!(parse("usd"), Some("USD"));
        assert_eq!(parse(" Eur "), Some("EUR"));
        for bad in ["", "US", "USDX", "$", "€", "XTS", "HRK", "us€"] {
            assert_eq!(parse(bad), None, "{bad:?}");
        }
    }
}
