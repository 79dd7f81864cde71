//! Handles: the operations of one resource on one client.

/// Declares the handle of a resource.
macro_rules! handle {
    ($(#[doc = $doc:literal])* $name:ident) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug)]
        pub struct $name {
            sender: $crate::sender::Sender,
        }

        impl $name {
            pub(crate) fn new(sender: &$crate::sender::Sender) -> Self {
                Self { sender: sender.clone() }
            }

            #[allow(dead_code, reason = "only layers above the resources use it, and not for every handle")]
            pub(crate) fn sender(&self) -> &$crate::sender::Sender {
                &self.sender
            }
        }
    };
}
