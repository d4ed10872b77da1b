//! Dates of birth, whole and in parts.

use time::{Date, Month};

use super::Refusal;
use super::text::{ascii_digit, trim};

/// Nobody alive was born before; the reference's bound.
const FIRST_YEAR: i32 = 1800;

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// Words that may follow a number of a date: the endings of ordinals, and year, month and day in East Asian
/// dates.
const FILLERS: [&str; 11] = ["st", "nd", "rd", "th", "of", "年", "月", "日", "년", "월", "일"];

/// A date of birth as `YYYYMMDD`, read from any order that can be read in one way only: `1997-02-16`,
/// `16.02.1997`, `2/16/1997`, `16 Feb 1997`, `16021997`, with or without a time of day behind it.
/// `latest_year` is the present one.
///
/// # Errors
/// [`Refusal::Empty`], or [`Refusal::Date`] for what is no day of the calendar, before 1800, in a later year,
/// or ambiguous (`01/02/1997`).
pub fn date_of_birth(text: &str, latest_year: i32) -> Result<String, Refusal> {
    let text = trim(text);
    if text.is_empty() {
        return Err(Refusal::Empty);
    }
    let parts = Parts::read(text)?;
    let date = match (parts.month, parts.numbers()) {
        (None, [number]) if number.digits == 8 => compact(number.value, latest_year),
        (None, [a, b, c, ..]) => numeric([*a, *b, *c], latest_year),
        (Some(month), [a, b, ..]) => named(month, [*a, *b], latest_year),
        _ => None,
    };
    let date = date.ok_or(Refusal::Date)?;
    Ok(format!("{:04}{:02}{:02}", date.year(), u8::from(date.month()), date.day()))
}

/// A day of the month, `01` to `31`: Meta's `dobd`.
pub(super) fn day(text: &str) -> Result<String, Refusal> {
    part(text, 1, 31)
}

/// A month, `01` to `12`: Meta's `dobm`.
pub(super) fn month(text: &str) -> Result<String, Refusal> {
    part(text, 1, 12)
}

/// A year of four digits: Meta's `doby`.
pub(super) fn year(text: &str, latest_year: i32) -> Result<String, Refusal> {
    part(text, FIRST_YEAR, latest_year)
}

fn part(text: &str, from: i32, to: i32) -> Result<String, Refusal> {
    let text = trim(text);
    if text.is_empty() {
        return Err(Refusal::Empty);
    }
    let digits: Option<String> = text.chars().map(ascii_digit).collect();
    let value = digits.filter(|digits| digits.len() <= 4).and_then(|digits| digits.parse::<i32>().ok());
    value.filter(|value| (from..=to).contains(value)).map(|value| format!("{value:02}")).ok_or(Refusal::Date)
}

#[derive(Debug, Clone, Copy, Default)]
struct Number {
    value: u32,
    digits: u8,
}

impl Number {
    fn is_year(self) -> bool {
        self.digits == 4
    }
}

/// The numbers of a date and the month it names, if any. Of more than three numbers (a time of day) the first
/// count.
#[derive(Default)]
struct Parts {
    numbers: [Number; 3],
    len: usize,
    month: Option<Month>,
}

impl Parts {
    fn read(text: &str) -> Result<Self, Refusal> {
        let mut parts = Self::default();
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let token_end = |same: fn(char) -> bool| rest.find(|c| !same(c)).unwrap_or(rest.len());
            let end = if ascii_digit(c).is_some() {
                let end = token_end(|c| ascii_digit(c).is_some());
                parts.push_number(&rest[..end])?;
                end
            } else if c.is_alphabetic() {
                let end = token_end(char::is_alphabetic);
                parts.push_word(&rest[..end])?;
                end
            } else {
                c.len_utf8()
            };
            rest = &rest[end..];
        }
        Ok(parts)
    }

    fn numbers(&self) -> &[Number] {
        &self.numbers[..self.len]
    }

    fn push_number(&mut self, digits: &str) -> Result<(), Refusal> {
        let Some(slot) = self.numbers.get_mut(self.len) else { return Ok(()) };
        let mut number = Number::default();
        for digit in digits.chars().filter_map(ascii_digit).filter_map(|c| c.to_digit(10)) {
            number.digits += 1;
            number.value = number.value * 10 + digit;
            if number.digits > 8 {
                return Err(Refusal::Date);
            }
        }
        *slot = number;
        self.len += 1;
        Ok(())
    }

    /// A word is a month, a filler, or part of a time of day behind the date.
    fn push_word(&mut self, word: &str) -> Result<(), Refusal> {
        let complete = self.len + usize::from(self.month.is_some()) >= 3;
        let is_filler = FILLERS.iter().any(|known| word.eq_ignore_ascii_case(known));
        if complete || (is_filler && self.len > 0) {
            return Ok(());
        }
        let start = word.get(..3).unwrap_or_default();
        let index = MONTHS.iter().position(|month| start.eq_ignore_ascii_case(month));
        match index.and_then(|index| u8::try_from(index + 1).ok()) {
            Some(month) if self.month.is_none() => {
                self.month = Month::try_from(month).ok();
                Ok(())
            }
            _ => Err(Refusal::Date),
        }
    }
}

/// `YYYYMMDD`, else whichever of `DDMMYYYY` and `MMDDYYYY` is a date, if not both are and differ.
fn compact(value: u32, latest_year: i32) -> Option<Date> {
    let date = |y, m, d| calendar(y, m, d, latest_year);
    let (first, second, last) = (value / 1_000_000, value / 10_000 % 100, value % 10_000);
    date(value / 10_000, value / 100 % 100, value % 100)
        .or_else(|| either(date(last, second, first), date(last, first, second)))
}

fn numeric([a, b, c]: [Number; 3], latest_year: i32) -> Option<Date> {
    let date = |y: Number, m: Number, d: Number| calendar(y.value, m.value, d.value, latest_year);
    match (a.is_year(), b.is_year(), c.is_year()) {
        // Year first is ISO's order; a month above 12 there is a day.
        (true, false, false) => date(a, b, c).or_else(|| date(a, c, b)),
        (false, true, false) => either(date(b, a, c), date(b, c, a)),
        (false, false, true) => either(date(c, a, b), date(c, b, a)),
        _ => None,
    }
}

fn named(month: Month, [a, b]: [Number; 2], latest_year: i32) -> Option<Date> {
    let (year, day) = if a.is_year() { (a, b) } else { (b, a) };
    if !year.is_year() {
        return None;
    }
    calendar(year.value, u32::from(u8::from(month)), day.value, latest_year)
}

/// The one reading there is; none where two differ.
fn either(one: Option<Date>, other: Option<Date>) -> Option<Date> {
    match (one, other) {
        (Some(one), Some(other)) => (one == other).then_some(one),
        (one, other) => one.or(other),
    }
}

fn calendar(year: u32, month: u32, day: u32, latest_year: i32) -> Option<Date> {
    let year = i32::try_from(year).ok().filter(|year| (FIRST_YEAR..=latest_year).contains(year))?;
    let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
    Date::from_calendar_date(year, month, u8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_that_can_be_read_in_one_way() {
        for text in [
            "1997-02-16",
            "1997/2/16",
            "1997-16-02",
            "2/16/1997",
            "16.02.1997",
            "16-2-1997",
            "19970216",
            "16021997",
            "02161997",
            "16 Feb 1997",
            "February 16th, 1997",
            "16 1997 02",
            "1997-02-16T00:00:00Z",
            "1997-02-16 12:30:00+01:00",
            " 1997 02 16 ",
            "١٩٩٧-٠٢-١٦",
            "16th of February 1997",
            "1997年2月16日",
            "1997년 2월 16일",
        ] {
            assert_eq!(date_of_birth(text, 2026).as_deref(), Ok("19970216"), "{text}");
        }
        assert_eq!(date_of_birth("05/05/1980", 2026).as_deref(), Ok("19800505"));
    }

    #[test]
    fn what_is_ambiguous_or_no_date_is_refused() {
        for text in [
            "01/02/1997",
            "1.2.1997",
            "19971301",
            "1997-02-30",
            "16/02/97",
            "97-02-16",
            "1997",
            "1997-02",
            "17991231",
            "20270101",
            "x",
            "16 Foo 1997",
            "Feb Mar 1997",
            "1997-02-0",
            "199702161",
            "01021997",
            "Feb 1997",
            "99999999999999999999",
            "1997 1998 02",
        ] {
            assert_eq!(date_of_birth(text, 2026), Err(Refusal::Date), "{text}");
        }
        assert_eq!(date_of_birth(" ", 2026), Err(Refusal::Empty));
    }

    #[test]
    fn parts_of_a_date() {
        assert_eq!(day("7").as_deref(), Ok("07"));
        assert_eq!(month("12").as_deref(), Ok("12"));
        assert_eq!(year("1997", 2026).as_deref(), Ok("1997"));
        for refused in
            [day("32"), day("0"), month("13"), year("97", 2026), year("2027", 2026), day("-1"), day("00001")]
        {
            assert_eq!(refused, Err(Refusal::Date));
        }
    }
}
