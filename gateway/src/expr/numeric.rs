//! The numeric types: how they widen and what an operator makes of two of them
//! (C# specification, 10.2.3 and 12.4.7).

use super::types::Type;

/// A numeric type, narrowest first where there is an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Numeric {
    SByte,
    Byte,
    Short,
    Char,
    UShort,
    Int,
    UInt,
    Long,
    ULong,
    Float,
    Double,
    Decimal,
}

use Numeric::{Byte, Char, Decimal, Double, Float, Int, Long, SByte, Short, UInt, ULong, UShort};

impl Numeric {
    /// By the library's name of the type.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "SByte" => SByte,
            "Byte" => Byte,
            "Int16" => Short,
            "Char" => Char,
            "UInt16" => UShort,
            "Int32" => Int,
            "UInt32" => UInt,
            "Int64" => Long,
            "UInt64" => ULong,
            "Single" => Float,
            "Double" => Double,
            "Decimal" => Decimal,
            _ => return None,
        })
    }

    pub(crate) fn ty(self) -> Type {
        Type::named(match self {
            SByte => "SByte",
            Byte => "Byte",
            Short => "Int16",
            Char => "Char",
            UShort => "UInt16",
            Int => "Int32",
            UInt => "UInt32",
            Long => "Int64",
            ULong => "UInt64",
            Float => "Single",
            Double => "Double",
            Decimal => "Decimal",
        })
    }

    pub(crate) fn is_whole(self) -> bool {
        self < Float
    }

    fn is_signed(self) -> bool {
        matches!(self, SByte | Short | Int | Long)
    }

    /// Whether C# converts to a type without a cast.
    pub(crate) fn widens_to(self, to: Self) -> bool {
        match to {
            // Nothing becomes a character or one of these two by itself.
            SByte | Byte | Char => false,
            Short => matches!(self, SByte | Byte),
            UShort => matches!(self, Byte | Char),
            Int => self < Int,
            UInt => matches!(self, Byte | UShort | Char),
            Long => self < Long,
            ULong => matches!(self, Byte | UShort | Char | UInt),
            Float => self.is_whole(),
            Double => self < Double,
            Decimal => self.is_whole(),
        }
    }

    /// Whether it may be the count of a shift.
    pub(crate) fn widens_to_int(self) -> bool {
        self == Int || self.widens_to(Int)
    }

    /// How far a conversion goes; nearer ones are preferred between overloads.
    pub(crate) fn distance(self, to: Self) -> u32 {
        u32::from((to as u8).abs_diff(self as u8)).max(1)
    }

    /// What an operator computes with, from the operands' types.
    pub(crate) fn promoted(self, other: Self) -> Option<Self> {
        let either = |one: Self| self == one || other == one;
        let other_than = |one: Self| if self == one { other } else { self };
        Some(match () {
            () if either(Decimal) => match other_than(Decimal) {
                Float | Double => return None,
                _ => Decimal,
            },
            () if either(Double) => Double,
            () if either(Float) => Float,
            () if either(ULong) && other_than(ULong).is_signed() => return None,
            () if either(ULong) => ULong,
            () if either(Long) => Long,
            () if either(UInt) && other_than(UInt).is_signed() => Long,
            () if either(UInt) => UInt,
            () => Int,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operands_are_promoted_as_the_specification_says() {
        for (a, b, expect) in [
            (SByte, Byte, Some(Int)),
            (Char, Char, Some(Int)),
            (Int, UInt, Some(Long)),
            (UInt, UInt, Some(UInt)),
            (UInt, UShort, Some(UInt)),
            (Int, ULong, None),
            (UInt, ULong, Some(ULong)),
            (Long, Float, Some(Float)),
            (Float, Double, Some(Double)),
            (Long, Decimal, Some(Decimal)),
            (Double, Decimal, None),
            (Float, Decimal, None),
        ] {
            assert_eq!(a.promoted(b), expect, "{a:?} {b:?}");
            assert_eq!(b.promoted(a), expect, "{b:?} {a:?}");
        }
    }

    #[test]
    fn widening_loses_no_sign() {
        assert!(Int.widens_to(Long) && Int.widens_to(Decimal) && Char.widens_to(UShort));
        assert!(!Int.widens_to(UInt) && !SByte.widens_to(ULong) && !Long.widens_to(ULong));
        assert!(!Double.widens_to(Decimal) && !Decimal.widens_to(Double));
        assert!(!Int.widens_to(Char) && !Int.widens_to(Int));
    }
}
