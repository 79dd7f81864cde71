//! A program may import the whole crate with `use hightouch_sdk::*`.

#[allow(clippy::wildcard_imports, reason = "this is what is tested")]
mod everything {
    use hightouch_sdk::*;

    // The function compiles only if these names still mean the traits and types of the standard library.
    fn shared<T: Send + Sync + Sized + Clone + Default + Into<String>>(value: T) -> Option<String> {
        let text: Result<String, Box<str>> = Ok(value.into());
        text.ok().filter(|text| !Vec::from(text.as_str()).is_empty())
    }

    #[test]
    fn a_glob_import_hides_no_name_of_the_standard_prelude() {
        assert_eq!(shared("x"), Some("x".to_owned()));
        assert!(Settings::new().api_key.is_none());
    }
}
