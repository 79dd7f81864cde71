//! Handles: the operations of one resource on one client.

/// Declares a resource's handle.
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
        }
    };
}
