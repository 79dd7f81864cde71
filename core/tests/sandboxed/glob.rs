//! What a program sees that imports all of the crate by `*`.

#[allow(clippy::wildcard_imports, unused_imports, reason = "this is what is tested")]
mod everything {
    use std::collections::HashMap;

    use hightouch_sdk::*;

    // Each line uses a name of the prelude or of `std`'s daily life as std means it.
    fn shared<T: Send + Sync + Sized + Clone + Default + Into<String>>(
        value: T,
    ) -> Result<String, std::fmt::Error> {
        let text: Option<String> = Some(value.into());
        let list: Vec<Box<str>> = text.iter().map(|text| Box::from(text.as_str())).collect();
        let map: HashMap<&str, usize> = list.iter().map(|text| (&**text, text.len())).collect();
        Ok(format!("{} {}", list.len(), map.len()))
    }

    #[test]
    fn a_glob_import_hides_no_name_of_the_standard_prelude() {
        assert_eq!(shared("x"), Ok("1 1".to_owned()));
        // What is there under a name that std has elsewhere, is the crate's own.
        let settings: Settings = Settings::new();
        assert!(settings.api_key.is_none());
    }
}
