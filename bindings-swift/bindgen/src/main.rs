//! Writes the Swift half of the bridge; `make generate-swift` runs it.

fn main() {
    uniffi::uniffi_bindgen_swift();
}
