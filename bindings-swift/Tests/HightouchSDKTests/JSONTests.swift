import Foundation
import XCTest

@testable import HightouchSDK

/// JSON that Swift's numbers and dictionaries cannot hold without loss.
private let odd =
    #"{ "big":123456789012345678901234567890, "huge":1e400,"same":1,"same":2.50,"b":{"$json":["x"]},"a":"\u00e9" }"#

final class JSONTests: XCTestCase {
    private func value(_ text: String) throws -> JSONValue { try JSONValue(text: text) }

    func testAValueKeepsItsTextAndGivesItsContent() throws {
        let value = try value(" \(odd)\n")
        XCTAssertEqual(value.text, odd)
        XCTAssertEqual("\(value)", odd)
        XCTAssertEqual(value["big"]?.text, "123456789012345678901234567890")
        XCTAssertNil(value["big"]?.int)
        XCTAssertEqual(value["big"]?.double, 1.2345678901234568e29)
        XCTAssertEqual(value["huge"]?.double, .infinity)
        XCTAssertEqual(value["same"]?.double, 2.5)
        XCTAssertEqual(value.object?["same"], 2.5)
        XCTAssertEqual(value["a"]?.string, "é")
        XCTAssertEqual(value.object?.count, 5)
        XCTAssertEqual(try self.value(#""\ud83d\ude00\n\\\"\/\u0000""#).string, "😀\n\\\"/\u{0}")
        guard case .array(let items)? = value["b"]?["$json"]?.shape else { return XCTFail("no list") }
        XCTAssertEqual(items, ["x"])
    }

    func testALevelIsParsedOnFirstAccessAndTheLevelsBelowItAreNot() throws {
        let text = JSONText(#"{"a":{"b":[1]}}"#)
        XCTAssertNil(text.parsed)
        guard case .object(let members) = text.level, let member = members.first else { return XCTFail("no object") }
        XCTAssertNotNil(text.parsed)
        XCTAssertNil(member.value.built, "a level was parsed that nobody accessed")
        XCTAssertEqual(member.value.text, #"{"b":[1]}"#)
    }

    func testADumpShowsOnlyTheText() throws {
        let value = try value(odd)
        XCTAssertEqual(value["big"]?.int, nil)
        var dumped = ""
        dump(value, to: &dumped)
        XCTAssertEqual(dumped, "- \(odd)\n")
    }

    func testInvalidTextIsRejected() {
        for text in [
            "", " ", "{", "[1,]", "{\"a\":1,}", "{a:1}", "01", "1.", ".5", "+1", "1e", "tru", "nul", "NaN", "1 2", "\"",
            "\"\n\"", #""\x""#, #""\u12""#, #""\ud800""#, #""\ude00""#, #""\ud800\u0041""#, "[1}", "'a'",
            String(repeating: "[", count: 100_000), nested(128), #"{"a":\#(nested(127))}"#,
        ] {
            XCTAssertThrowsError(try value(text), text) {
                XCTAssertEqual(($0 as? HightouchError)?.kind, .invalidRequest)
            }
        }
        XCTAssertEqual(try value(nested(127)).text, nested(127))
    }

    /// Arrays in arrays, `levels` levels deep. The innermost array is empty.
    private func nested(_ levels: Int) -> String {
        String(repeating: "[", count: levels) + String(repeating: "]", count: levels)
    }

    func testValuesAreEqualIfTheirTextsOrTheirContentsAre() throws {
        for (one, other) in [
            (#"{"a":1,"b":[2]}"#, #"{ "b" : [2.0], "a" : 10e-1 }"#), ("1e400", "10E+399"), ("0", "-0.00"),
            ("123456789012345678901234567890", "123456789012345678901234567890.0"), (#"{"a":1,"a":2}"#, #"{"a":2}"#),
            (#""\u00e9\/""#, "\"é/\""), ("100", "1e2"), ("0.1", "0.10"), ("9007199254740993", "9007199254740993"),
        ] {
            XCTAssertEqual(try value(one), try value(other))
            XCTAssertEqual(try value(one).hashValue, try value(other).hashValue)
        }
        for (one, other) in [
            ("9007199254740992", "9007199254740993"), ("1", "\"1\""), ("1", "true"), ("1", "-1"), ("10", "1"),
            ("[1,2]", "[2,1]"), (#"{"a":1}"#, #"{"a":1,"b":null}"#), ("0.1", "0.11"), ("3", "3.5"),
        ] {
            XCTAssertNotEqual(try value(one), try value(other))
        }
        XCTAssertEqual(try value(#"{"a": [1.0, null]}"#), ["a": [1, nil]])
        XCTAssertEqual(JSONValue.int(3), .double(3))
    }

    func testABuiltValueKeepsTheTextOfTheValuesInIt() throws {
        let value: JSONValue = [
            "theirs": try value(odd), "mine": [1, 0.5, "\"\u{1F}", nil, true], "a": .object(["b": 2, "a": 1]),
        ]
        XCTAssertEqual(value.text, #"{"theirs":\#(odd),"mine":[1,0.5,"\"\u001f",null,true],"a":{"a":1,"b":2}}"#)
    }

    func testFoundationsCodersKeepTheDigitsOfADecimal() throws {
        let text = #"{"a":123456789012345678901234567890,"b":18446744073709551615,"c":0.1,"d":1e+300,"e":-5}"#
        let read = try JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))
        XCTAssertEqual(read.text, text)
        let written = try JSONEncoder().encode(try value(text))
        XCTAssertEqual(try JSONDecoder().decode(JSONValue.self, from: written).text, text)
        XCTAssertThrowsError(try JSONEncoder().encode(try value(#"{"a":{"b":1e400}}"#))) {
            guard case EncodingError.invalidValue(_, let context) = $0 else { return XCTFail("\($0)") }
            XCTAssertEqual(context.codingPath.map(\.stringValue), ["a", "b"])
        }
    }

    /// Changing one value must not rebuild the other values, because a rebuilt value has sorted members and rounded
    /// numbers.
    func testChangingAMemberKeepsTheTextOfAllOthers() throws {
        var json = try value(#"{"z":1e400,"list":[{"to":"A","n":1.50},2.0],"a":{ "b" : 1 }}"#)
        json["list"]?[0]?["to"] = "B"
        json["new"] = 3
        XCTAssertEqual(json.text, #"{"z":1e400,"list":[{"to":"B","n":1.50},2.0],"a":{ "b" : 1 },"new":3}"#)
        json["list"]?[1] = nil
        json["z"] = nil
        json["a"] = .null
        XCTAssertEqual(json.text, #"{"list":[{"to":"B","n":1.50}],"a":null,"new":3}"#)
        json["list"]?[7] = 1
        json["new"]?["member"] = 1
        json["list"]?["member"] = 1
        XCTAssertEqual(json.text, #"{"list":[{"to":"B","n":1.50}],"a":null,"new":3}"#)
        var twice = try value(odd)
        twice["same"] = 7
        XCTAssertEqual(twice["same"], 7)
        twice["same"] = nil
        XCTAssertNil(twice["same"])
    }

    func testAValueCanBeMadeFromVariablesAndEncodableTypesAndDecodedAgain() throws {
        struct Mapping: Codable, Equatable {
            var to: String
            var from: String
            var since: Date
        }
        let mapping = Mapping(to: "Id", from: "id", since: try Coding.date("2026-01-02T03:04:05.678Z"))
        let json = try JSONValue(encoding: ["mappings": [mapping]])
        XCTAssertEqual(json.text, #"{"mappings":[{"from":"id","since":"2026-01-02T03:04:05.678Z","to":"Id"}]}"#)
        XCTAssertEqual(try json["mappings"]?.decode(as: [Mapping].self), [mapping])
        XCTAssertThrowsError(try json.decode(as: [Mapping].self)) { XCTAssert($0 is DecodingError, "\($0)") }
        let (mode, batch, isOn, rate) = ("upsert", 100, true, 0.5)
        let built: JSONValue = [
            "mode": JSONValue(mode), "batch": JSONValue(batch), "isOn": JSONValue(isOn), "rate": JSONValue(rate),
            "list": JSONValue([JSONValue(batch)]), "members": JSONValue(["b": 1, "a": 2]),
        ]
        XCTAssertEqual(
            built.text, #"{"mode":"upsert","batch":100,"isOn":true,"rate":0.5,"list":[100],"members":{"a":2,"b":1}}"#)
    }

    func testAnyTextCanBeTakenApartAndRebuilt() throws {
        for seed in 0..<2000 {
            var any = Arbitrary(seed: UInt64(seed))
            let text = any.jsonText(depth: 5)
            let read = try value(text)
            XCTAssertEqual(rebuilt(read), read, "seed \(seed): \(text)")
            XCTAssertEqual(rebuilt(read).hashValue, read.hashValue, "seed \(seed): \(text)")
        }
    }

    /// Rebuilds a value from its parts. Numbers are used as they are, because only their text has all digits.
    private func rebuilt(_ value: JSONValue) -> JSONValue {
        switch value.level {
        case .null: .null
        case .bool(let value): .bool(value)
        case .number: value
        case .string(let text): .string(text)
        case .array(let elements): .array(elements.map(rebuilt))
        case .object: .object((value.object ?? [:]).mapValues(rebuilt))
        }
    }
}

/// Tests ``JSONValue`` in responses and requests.
final class OpaqueJSONTests: XCTestCase {
    private let listener = try? Listener()

    private func client() throws -> Hightouch {
        let port = try XCTUnwrap(listener).port
        return try hightouch(
            "k", Configuration(baseURL: "http://127.0.0.1:\(port)/api/v1", maxRetries: 0), ["environment": [:]])
    }

    /// Makes a call, to which the server responds with `json`. Returns the result of the call and the body that the
    /// call sent.
    private func answering<Value: Sendable>(
        _ json: String, _ call: @escaping @Sendable () async throws -> Value
    ) async throws -> (value: Value, sent: String) {
        let listener = try XCTUnwrap(listener)
        async let served = listener.accept().answer(json)
        let value = try await call()
        return (value, try await served)
    }

    /// `odd` contains an integer of 30 digits and the number 1e400. The integer must not be rounded, and 1e400 must not
    /// make the whole response unreadable.
    func testAValueFromTheAPIIsSentBackUnchanged() async throws {
        let client = try client()
        let answer = #"{"id":1,"slug":"a","configuration":\#(odd),"schedule":{"type":"x","schedule":\#(odd)}}"#
        let sync = try await answering(answer) { try await client.syncs.get(1) }.value
        XCTAssertEqual(sync.configuration?.text, odd)
        XCTAssertEqual(sync.schedule?.schedule, .unknown(try JSONValue(text: odd)))
        let back = try await answering(answer) {
            try await client.syncs.update(1, configuration: sync.configuration, schedule: .setOrClear(sync.schedule))
        }
        XCTAssertEqual(back.value, sync)
        XCTAssertEqual(
            try JSONValue(text: back.sent),
            try JSONValue(text: #"{"configuration":\#(odd),"schedule":{"type":"x","schedule":\#(odd)}}"#))
        XCTAssert(
            back.sent.contains(#""configuration":\#(odd)"#) && back.sent.contains(#""schedule":\#(odd)"#), back.sent)
    }

    func testListsNestedTypesRawResponsesAndRequestsKeepTheText() async throws {
        let client = try client()
        let rows = #"{"data":[{"id":1,"slug":"a","name":"A","configuration":\#(odd)}],"hasMore":false}"#
        let page = try await answering(rows) { try await client.sources.list().firstPage() }.value
        XCTAssertEqual(page.items.first?.configuration?.text, odd)
        let answer = #"{"id":"c","slug":"a","name":"A","events":[{"name":"E","type":"track","schema":\#(odd)}]}"#
        let contract = try await answering(answer) { try await client.eventContracts.get("c") }.value
        XCTAssertEqual(contract.events.first?.schema?.text, odd)
        let raw = try await answering(answer) {
            try await client.eventContracts.withRawResponse.update("c", events: contract.events)
        }
        XCTAssert(raw.sent.contains(#""schema":\#(odd)"#), raw.sent)
        let parsed = try await raw.value.parse()
        XCTAssertEqual(parsed.id, "c")
        let body: JSONValue = ["in": try JSONValue(text: odd)]
        let given = try await answering(odd) {
            try await client.request("POST", "/x", query: ["$json": ["a", 7]], body: body)
        }
        XCTAssertEqual(given.value.text, odd)
        XCTAssertEqual(given.sent, #"{"in":\#(odd)}"#)
    }

    func testTheDetailsOfAnErrorKeepTheirText() async throws {
        let client = try client()
        do {
            _ = try await answering(#"{"message":"Validation failed","details":\#(odd)}"#) {
                try await client.sources.update(1, name: "a")
            }
            XCTFail("no error")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .validation)
            XCTAssertEqual(error.details?.text, odd)
        }
    }

    /// At the door, `{"$json": ["…"]}` marks opaque JSON. A value that looks like this mark must stay unchanged,
    /// whether the server or a user created the value.
    func testAValueMayLookLikeTheDoorsFormOfText() async throws {
        let client = try client()
        let answer = #"{"id":1,"slug":"a","configuration":{"$json":["1"]},"tags":{"$json":"x"}}"#
        let got = try await answering(answer) { try await client.syncs.update(1, configuration: ["$json": ["1"]]) }
        XCTAssertEqual(got.value.configuration?.text, #"{"$json":["1"]}"#)
        XCTAssertEqual(got.value.tags, ["$json": "x"])
        XCTAssertEqual(got.sent, #"{"configuration":{"$json":["1"]}}"#)
    }

    func testANumberThatJSONCannotExpressIsRejectedWithItsPathAndNothingIsSent() async throws {
        let client = try client()
        for (value, place) in [
            (["a": ["b": [0, .double(.nan)]]] as JSONValue, "configuration.a.b.1: the number nan"),
            (["a": .double(-.infinity)], "configuration.a: the number -inf"), ([1], "must be a JSON object"),
        ] {
            do {
                _ = try await client.syncs.update(1, configuration: value)
                XCTFail("\(value) was taken")
            } catch let error as HightouchError {
                XCTAssertEqual(error.kind, .invalidRequest)
                XCTAssert(error.message.contains(place), error.message)
            }
        }
        let stats = try await client.stats()
        XCTAssertEqual(stats.granted, 0)
    }

    func testAnyTextIsReadAndSentUnchanged() async throws {
        let client = try client()
        for seed in 0..<60 {
            var any = Arbitrary(seed: UInt64(seed))
            let configuration = #"{"in":\#(any.jsonText())}"#
            let answer = #"{"id":1,"slug":"a","configuration":\#(configuration)}"#
            let sync = try await answering(answer) { try await client.syncs.get(1) }.value
            XCTAssertEqual(sync.configuration?.text, configuration, "seed \(seed)")
            let back = try await answering(answer) {
                try await client.syncs.update(1, configuration: sync.configuration)
            }
            XCTAssertEqual(back.sent, #"{"configuration":\#(configuration)}"#, "seed \(seed)")
        }
    }
}
