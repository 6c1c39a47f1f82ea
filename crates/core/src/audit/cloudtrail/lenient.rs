//! Fields of a record. Text that needs no unescaping is not copied, and what is of another type than AWS writes counts as not
//! being there.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

/// A text, where it is one.
#[derive(Clone, Debug, Default)]
pub struct Text<'a>(Option<Cow<'a, str>>);

impl Text<'_> {
    /// The text.
    pub fn get(&self) -> Option<&str> {
        self.0.as_deref()
    }
}

/// True or false, where it is that, also as a text.
#[derive(Debug, Default)]
pub struct Flag(Option<bool>);

impl Flag {
    /// What it is.
    pub fn get(&self) -> Option<bool> {
        self.0
    }
}

/// An object, where it is one; else as if it were empty.
#[derive(Debug, Default)]
pub struct Lenient<T>(pub T);

impl<'de: 'a, 'a> Deserialize<'de> for Text<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Text<'a>>(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Flag>(PhantomData))
    }
}

impl<'de, T: Deserialize<'de> + Default> Deserialize<'de> for Lenient<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any::<Lenient<T>>(PhantomData))
    }
}

/// What is made of each type of JSON; of any other than its own it is nothing.
trait Made<'de>: Default {
    fn of_borrowed(_text: &'de str) -> Self {
        Self::default()
    }
    fn of_text(_text: String) -> Self {
        Self::default()
    }
    fn of_bool(_value: bool) -> Self {
        Self::default()
    }
    fn of_map<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl<'de: 'a, 'a> Made<'de> for Text<'a> {
    fn of_borrowed(text: &'de str) -> Self {
        Text(Some(Cow::Borrowed(text)))
    }
    fn of_text(text: String) -> Self {
        Text(Some(Cow::Owned(text)))
    }
}

impl<'de> Made<'de> for Flag {
    fn of_borrowed(text: &'de str) -> Self {
        Flag(text.parse().ok())
    }
    fn of_bool(value: bool) -> Self {
        Flag(Some(value))
    }
}

impl<'de, T: Deserialize<'de> + Default> Made<'de> for Lenient<T> {
    fn of_map<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(Lenient)
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Made<'de>> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<T, E> {
        Ok(T::of_borrowed(text))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::of_text(text.to_owned()))
    }
    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        Ok(T::of_bool(value))
    }
    fn visit_i64<E: Error>(self, _: i64) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_u64<E: Error>(self, _: u64) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<T, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(T::default())
    }
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::of_map(map)
    }
}
