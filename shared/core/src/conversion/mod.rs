//! Conversions: what a product says a person did, stored once, counted among the person's features, and sent on with all
//! that is known of the person.

mod note;
mod request;

pub use note::{Code, Note};
pub use request::{
    Call, Checked, Conversion, ConversionBody, MAX_BODY_BYTES, RequestContext, call, conversion,
    home_provider,
};
