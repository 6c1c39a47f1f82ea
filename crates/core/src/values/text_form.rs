/// Gives an enum of plain variants its one spelling, for the database and for messages.
macro_rules! text_form {
    ($type:ident { $($variant:ident => $text:literal),+ $(,)? }) => {
        impl $type {
            /// Every variant, in the order of its definition.
            pub const ALL: &'static [$type] = &[$($type::$variant),+];

            /// The spelling used in the database, in JSON and in messages.
            pub fn as_str(self) -> &'static str {
                match self { $($type::$variant => $text),+ }
            }

            /// The variant that is spelt so.
            pub fn from_text(text: &str) -> Option<Self> {
                match text { $($text => Some($type::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }
    };
}

pub(crate) use text_form;
