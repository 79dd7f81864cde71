@testable import HightouchSDK

/// Returns the differences between `found` and `expected`. Members that `expected` does not have are ignored. With
/// `dots`, the expectation `"..."` matches any value that is present.
func complaints(_ expected: JSONValue, _ found: JSONValue?, at path: String = "", dots: Bool = false) -> [String] {
    let found = found ?? .null
    if dots, expected == "..." { return found.isNull ? ["\(path) is missing"] : [] }
    switch expected.shape {
    case .object(let members):
        guard found.object != nil else { return ["\(path) is not an object: \(found)"] }
        return members.sorted { $0.key < $1.key }.flatMap { name, value in
            complaints(value, found[name], at: "\(path).\(name)", dots: dots)
        }
    case .array(let elements):
        guard let items = found.array else { return ["\(path) is not a list: \(found)"] }
        return lists(elements[...], items[...], at: path)
    case .int, .double:
        return expected.double == found.double ? [] : ["\(path) is \(found), expected \(expected)"]
    default:
        return expected == found ? [] : ["\(path) is \(found), expected \(expected)"]
    }
}

/// Compares two lists element by element. The element `"..."` matches any number of elements, including none.
private func lists(_ expected: ArraySlice<JSONValue>, _ found: ArraySlice<JSONValue>, at path: String) -> [String] {
    guard let first = expected.first else { return found.isEmpty ? [] : ["\(path) has more: \(Array(found))"] }
    let rest = expected.dropFirst()
    if first == "..." {
        let fits = (0...found.count).contains { lists(rest, found.dropFirst($0), at: path).isEmpty }
        return fits ? [] : ["\(path) has nowhere \(Array(rest)): \(Array(found))"]
    }
    guard let item = found.first else { return ["\(path) ends before \(first)"] }
    let wrong = complaints(first, item, at: "\(path)[\(found.startIndex)]")
    return wrong.isEmpty ? lists(rest, found.dropFirst(), at: path) : wrong
}
