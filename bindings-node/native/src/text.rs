//! Texts that cross between JavaScript and the core.
#![allow(unsafe_code, reason = "Node-API is an interface in C")]

use std::ptr::null_mut;

use napi::bindgen_prelude::{FromNapiValue, ToNapiValue, TypeName, ValidateNapiValue};
use napi::{Result, ValueType, check_status, sys};

/// A text for JavaScript. Bytes that are not UTF-8 are replaced.
pub struct Text(pub(crate) Vec<u8>);

impl ToNapiValue for Text {
    unsafe fn to_napi_value(env: sys::napi_env, Self(text): Self) -> Result<sys::napi_value> {
        if !text.is_ascii() {
            let text = String::from_utf8(text)
                .unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
            // SAFETY: the caller vouches for the environment.
            return unsafe { String::to_napi_value(env, text) };
        }
        let length = isize::try_from(text.len()).unwrap_or(isize::MAX);
        let mut value = null_mut();
        // ASCII is a part of Latin-1, which V8 copies without decoding it.
        // SAFETY: the caller vouches for the environment. Node-API copies the text.
        check_status!(unsafe {
            sys::napi_create_string_latin1(env, text.as_ptr().cast(), length, &raw mut value)
        })?;
        Ok(value)
    }
}

/// A text from JavaScript. Reading it takes one call of Node-API if it is short, but a `String` takes three.
pub struct Given(pub(crate) String);

impl TypeName for Given {
    fn type_name() -> &'static str {
        "String"
    }

    fn value_type() -> ValueType {
        ValueType::String
    }
}

impl ValidateNapiValue for Given {
    unsafe fn validate(_env: sys::napi_env, _value: sys::napi_value) -> Result<sys::napi_value> {
        // `from_napi_value` fails for another type.
        Ok(null_mut())
    }
}

impl FromNapiValue for Given {
    unsafe fn from_napi_value(env: sys::napi_env, value: sys::napi_value) -> Result<Self> {
        let mut short = [0_u8; 512];
        let mut length = 0;
        // SAFETY: the caller vouches for the environment and the value. Node-API writes at most this many bytes.
        let status = unsafe {
            sys::napi_get_value_string_utf8(
                env,
                value,
                short.as_mut_ptr().cast(),
                short.len(),
                &raw mut length,
            )
        };
        // If a text is too long for the buffer, Node-API cuts the text and leaves at most four bytes unused. So the
        // text is whole if more bytes are unused.
        if status == sys::Status::napi_ok
            && length + 4 < short.len()
            && let Some(text) = short.get(..length).and_then(|text| str::from_utf8(text).ok())
        {
            return Ok(Self(text.to_owned()));
        }
        // SAFETY: as above.
        unsafe { String::from_napi_value(env, value) }.map(Self)
    }
}
