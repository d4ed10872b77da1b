//! Leads as a CSV file (RFC 4180) for people who work in spreadsheets.
//!
//! * It begins with a byte order mark: without one Excel takes UTF-8 for the system's old code page.
//! * Every cell is quoted, lines end with CR LF.
//! * A cell that a spreadsheet could take for a formula is text: see [`neutral`].
//!
//! The columns are known before the first row, so that rows can be streamed.

mod cell;
mod columns;

pub use cell::{neutral, original};
pub use columns::{Columns, MAX_QUESTION_COLUMNS};

use super::lead::{Lead, LeadPii};

/// The file's media type.
pub const CONTENT_TYPE: &str = "text/csv; charset=utf-8";

/// UTF-8's byte order mark.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A row could not be written: an out-of-memory condition or a bug, for rows are written to memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a row could not be written")]
pub struct RowError;

/// Rows of one file, or of a piece of it.
#[derive(Debug)]
pub struct Rows<'a> {
    columns: &'a Columns,
    writer: csv::Writer<Vec<u8>>,
    count: u64,
}

impl<'a> Rows<'a> {
    /// The beginning of a file: its byte order mark and header.
    ///
    /// # Errors
    /// [`RowError`].
    pub fn with_header(columns: &'a Columns) -> Result<Self, RowError> {
        let mut rows = Self { columns, writer: writer(BYTE_ORDER_MARK.to_vec()), count: 0 };
        rows.write(&columns.names())?;
        Ok(rows)
    }

    /// A piece that follows another one.
    #[must_use]
    pub fn following(columns: &'a Columns) -> Self {
        Self { columns, writer: writer(Vec::new()), count: 0 }
    }

    /// Adds a lead, with what its sealed part holds (nothing, where it was erased).
    ///
    /// # Errors
    /// [`RowError`].
    pub fn push(&mut self, lead: &Lead, pii: &LeadPii) -> Result<(), RowError> {
        self.write(&self.columns.cells(lead, pii))?;
        self.count += 1;
        Ok(())
    }

    /// Adds a lead whose sealed part does not open: the column `answers` says `unreadable`, so that it is not taken for
    /// one that left everything empty.
    ///
    /// # Errors
    /// [`RowError`].
    pub fn push_unreadable(&mut self, lead: &Lead) -> Result<(), RowError> {
        let mut cells = self.columns.cells(lead, &LeadPii::default());
        if let Some(answers) = cells.last_mut() {
            "unreadable".clone_into(answers);
        }
        self.write(&cells)?;
        self.count += 1;
        Ok(())
    }

    /// Leads so far.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// Bytes so far.
    #[must_use]
    pub fn bytes_len(&self) -> usize {
        self.writer.get_ref().len()
    }

    /// The bytes.
    ///
    /// # Errors
    /// [`RowError`].
    pub fn into_bytes(self) -> Result<Vec<u8>, RowError> {
        self.writer.into_inner().map_err(|_| RowError)
    }

    fn write(&mut self, cells: &[String]) -> Result<(), RowError> {
        let cells = cells.iter().map(|cell| neutral(cell).into_owned());
        self.writer.write_record(cells).map_err(|_| RowError)?;
        // So that `bytes_len` counts it: whoever cuts a file into parts cuts between rows.
        self.writer.flush().map_err(|_| RowError)
    }
}

fn writer(bytes: Vec<u8>) -> csv::Writer<Vec<u8>> {
    csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::Always)
        .terminator(csv::Terminator::CRLF)
        .from_writer(bytes)
}

#[cfg(test)]
mod tests;
