//! Generates the Swift and C code of the bridge. `make generate-swift` runs this program.

fn main() {
    uniffi::uniffi_bindgen_swift();
}
