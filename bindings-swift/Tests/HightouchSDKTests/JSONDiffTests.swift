import Foundation
import XCTest

@testable import HightouchSDK

/// Tests edits and differences of JSON. The tests of all languages read the same cases.
final class JSONDiffTests: XCTestCase {
    private struct EditCase: Decodable {
        struct Change: Decodable {
            var `do`: String
            var path: [JSONValue.Step]
            var value: String?
            var name: String?
        }
        var name: String
        var json: String
        var edits: [Change]
        var gives: String?
    }

    private struct DiffCase: Decodable {
        struct Change: Decodable, Equatable {
            var path: [JSONValue.Step]
            var kind: JSONValue.Change.Kind
            var old: String?
            var new: String?
        }
        var name: String
        var old: String
        var new: String
        var changes: [Change]
        var lines: [String]
    }

    /// Returns the cases of one kind. The file has one case a line. Cases with half a surrogate pair are left out,
    /// because a `String` cannot hold half a pair.
    private func cases<Case: Decodable>(with member: String) throws -> [Case] {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        let file = here.appendingPathComponent("../../../tests/json/cases.json").standardizedFileURL
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let wanted = lines.filter { $0.hasPrefix("    {") && $0.contains(member) && !$0.contains("\"halves\": true") }
        return try wanted.map {
            try JSONDecoder().decode(Case.self, from: Data($0.trimmingCharacters(in: [" ", ","]).utf8))
        }
    }

    private func edited(_ start: JSONValue, by changes: [EditCase.Change]) throws -> JSONValue {
        var json = start
        try json.edit { edit in
            for change in changes {
                let value = try change.value.map { try JSONValue(text: $0) } ?? .null
                switch change.do {
                case "set": edit.set(value, at: change.path)
                case "insert": edit.insert(value, at: change.path)
                case "append": edit.append(value, to: change.path)
                case "remove": edit.remove(at: change.path)
                default: edit.rename(change.path, to: change.name ?? "")
                }
            }
        }
        return json
    }

    func testAnEditGivesWhatTheCaseSays() throws {
        let cases: [EditCase] = try cases(with: "\"edits\":")
        XCTAssertGreaterThan(cases.count, 20)
        for each in cases {
            let start = try JSONValue(text: each.json)
            if let gives = each.gives {
                XCTAssertEqual(try edited(start, by: each.edits).text, gives, each.name)
            } else {
                XCTAssertThrowsError(try edited(start, by: each.edits), each.name) {
                    XCTAssertEqual(($0 as? HightouchError)?.kind, .invalidRequest, each.name)
                }
            }
        }
    }

    /// A subscript sets the same value as an edit. Only the white space around the value is lost.
    func testASubscriptSetsTheSameValueAsAnEdit() throws {
        let cases: [EditCase] = try cases(with: "\"edits\":")
        var seen = 0
        for each in cases where each.edits.count == 1 && each.edits[0].do == "set" && each.gives != nil {
            guard case .name(let first) = each.edits[0].path[0], each.edits[0].path.count == 1 else { continue }
            var json = try JSONValue(text: each.json)
            json[first] = try JSONValue(text: each.edits[0].value ?? "")
            XCTAssert(try json.diff(to: JSONValue(text: each.gives ?? "")).isEmpty, each.name)
            seen += 1
        }
        XCTAssertGreaterThan(seen, 2)
    }

    func testADifferenceIsWhatTheCaseSays() throws {
        let cases: [DiffCase] = try cases(with: "\"lines\":")
        XCTAssertGreaterThan(cases.count, 9)
        for each in cases {
            let (old, new) = (try JSONValue(text: each.old), try JSONValue(text: each.new))
            let diff = try old.diff(to: new)
            let written = diff.map {
                DiffCase.Change(path: $0.path, kind: $0.kind, old: $0.old?.text, new: $0.new?.text)
            }
            XCTAssertEqual(written, each.changes, each.name)
            XCTAssertEqual(diff.map(\.description), each.lines, each.name)
            XCTAssertEqual("\(diff)", each.lines.joined(separator: "\n"), each.name)
            XCTAssertEqual(diff.isEmpty, each.lines.isEmpty, each.name)
            XCTAssert(try diff.apply(to: old).diff(to: new).isEmpty, each.name)
            XCTAssert(try diff.reversed().apply(to: new).diff(to: old).isEmpty, each.name)
        }
    }

    func testADiffIsNotAppliedToAValueThatHasChangedSince() throws {
        let undo = try (["to": "A"] as JSONValue).diff(to: ["to": "B"]).reversed()
        XCTAssertEqual(try undo.apply(to: ["to": "B", "more": 1]).text, #"{"to":"A","more":1}"#)
        XCTAssertThrowsError(try undo.apply(to: ["to": "C"])) {
            let error = $0 as? HightouchError
            XCTAssertEqual(error?.kind, .invalidRequest)
            XCTAssertEqual(
                error?.message,
                "The changes do not fit this JSON. to: the value is not the one that the change starts from.")
        }
    }

    func testAnEditThatFailsChangesNothing() throws {
        var json: JSONValue = ["a": 1]
        XCTAssertThrowsError(
            try json.edit {
                $0.set(2, at: ["a"])
                $0.remove(at: ["b"])
            }
        ) { XCTAssertEqual(($0 as? HightouchError)?.message, "b: there is no member of this name.") }
        XCTAssertThrowsError(try json.edit { $0.set(.double(.nan), at: ["a"]) })
        XCTAssertThrowsError(try json.edit { $0.set(1, at: [-1]) })
        XCTAssertThrowsError(try json.diff(to: .double(.infinity)))
        XCTAssertEqual(json.text, #"{"a":1}"#)
    }

    func testADiffLeadsFromAnyValueToAnyOtherAndBack() throws {
        for seed in 0..<300 {
            var any = Arbitrary(seed: UInt64(seed))
            let (old, new) = (try JSONValue(text: any.jsonText(depth: 4)), try JSONValue(text: any.jsonText(depth: 4)))
            let diff = try old.diff(to: new)
            XCTAssert(try diff.apply(to: old).diff(to: new).isEmpty, "seed \(seed): \(old) \(new)")
            XCTAssert(try diff.reversed().apply(to: new).diff(to: old).isEmpty, "seed \(seed): \(old) \(new)")
        }
    }
}
