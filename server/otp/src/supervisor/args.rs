//! Arguments appended to arguments: two MessagePack arrays become one (`start_child/2` under
//! `simple_one_for_one`). Only the headers are read; the elements are copied as they are.

/// MessagePack's nil, which is the encoding of `()`: no arguments.
const NIL: u8 = 0xc0;

/// The elements of `first`, then those of `second`.
///
/// # Errors
/// Returns `second`, when one of them is no array or the result would have more elements than an array can.
pub fn join(first: &[u8], second: Vec<u8>) -> Result<Vec<u8>, Vec<u8>> {
    match (elements(first), elements(&second)) {
        (Some(_), Some(Array { count: 0, .. })) => Ok(first.into()),
        (Some(Array { count: 0, .. }), Some(_)) => Ok(second),
        (Some(some), Some(more)) => append(some, more).ok_or(second),
        _ => Err(second),
    }
}

/// An array: the number of its elements, and their bytes.
#[derive(Clone, Copy)]
pub(super) struct Array<'a> {
    pub(super) count: u32,
    pub(super) items: &'a [u8],
}

fn append(some: Array<'_>, more: Array<'_>) -> Option<Vec<u8>> {
    let count = some.count.checked_add(more.count)?;
    let mut joined = Vec::with_capacity(5 + some.items.len() + more.items.len());
    write_header(&mut joined, count);
    joined.extend_from_slice(some.items);
    joined.extend_from_slice(more.items);
    Some(joined)
}

/// Reads arguments. No bytes and nil count as an empty array.
pub(super) fn elements(arguments: &[u8]) -> Option<Array<'_>> {
    match arguments {
        [] | [NIL] => Some(Array {
            count: 0,
            items: &[],
        }),
        array => header(array),
    }
}

/// Reads the header of an array.
pub(super) fn header(array: &[u8]) -> Option<Array<'_>> {
    let (count, items) = match *array {
        [head @ 0x90..=0x9f, ref items @ ..] => (u32::from(head & 0x0f), items),
        [0xdc, a, b, ref items @ ..] => (u32::from(u16::from_be_bytes([a, b])), items),
        [0xdd, a, b, c, d, ref items @ ..] => (u32::from_be_bytes([a, b, c, d]), items),
        _ => return None,
    };
    Some(Array { count, items })
}

fn write_header(out: &mut Vec<u8>, count: u32) {
    match (u8::try_from(count), u16::try_from(count)) {
        (Ok(count @ 0..=15), _) => out.push(0x90 | count),
        (_, Ok(count)) => {
            out.push(0xdc);
            out.extend_from_slice(&count.to_be_bytes());
        }
        _ => {
            out.push(0xdd);
            out.extend_from_slice(&count.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: u32) -> Vec<u8> {
        rmp_serde::to_vec(&(0..count).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn joined_arrays_hold_the_elements_of_both_at_every_width_of_the_header() {
        for first in [0, 1, 15, 16, 65_535, 65_536] {
            for second in [0, 1, 15, 16, 65_535, 65_536] {
                let joined = join(&numbers(first), numbers(second)).unwrap();
                let wanted: Vec<u32> = (0..first).chain(0..second).collect();
                assert_eq!(
                    joined,
                    rmp_serde::to_vec(&wanted).unwrap(),
                    "{first} and {second}"
                );
            }
        }
    }

    #[test]
    fn arguments_of_many_types_join_into_one_tuple() {
        let first = rmp_serde::to_vec(&("Bob", 7)).unwrap();
        let second = rmp_serde::to_vec(&(vec![1.5], true)).unwrap();
        let joined = join(&first, second).unwrap();
        let read: (String, i32, Vec<f64>, bool) = rmp_serde::from_slice(&joined).unwrap();
        assert_eq!(read, ("Bob".into(), 7, vec![1.5], true));
    }

    #[test]
    fn the_unit_is_no_arguments() {
        let unit = rmp_serde::to_vec(&()).unwrap();
        let one = rmp_serde::to_vec(&(1,)).unwrap();
        assert_eq!(join(&unit, one.clone()), Ok(one.clone()));
        assert_eq!(join(&one, unit.clone()), Ok(one));
        assert_eq!(join(&unit, unit.clone()), Ok(unit));
        assert_eq!(join(&[], vec![]), Ok(vec![]));
    }

    #[test]
    fn what_is_no_array_is_refused() {
        let array = numbers(2);
        for wrong in [
            &[0x01][..],
            &[0xa1, b'x'],
            &[0xdc, 0],
            &[0xdd, 0, 0, 0],
            &[NIL, NIL],
            &[0x81, 1, 2],
        ] {
            assert_eq!(join(wrong, array.clone()), Err(array.clone()), "{wrong:?}");
            assert_eq!(join(&array, wrong.into()), Err(wrong.into()), "{wrong:?}");
        }
        let most = [0xdd, 0xff, 0xff, 0xff, 0xff];
        assert_eq!(join(&most, array.clone()), Err(array));
    }
}
