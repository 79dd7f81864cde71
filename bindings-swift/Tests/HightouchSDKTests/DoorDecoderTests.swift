import Foundation
import XCTest

@testable import HightouchSDK

final class DoorDecoderTests: XCTestCase {
    private let sync =
        #"{"id":7,"slug":"orders \"1\" \u00e9 é","workspaceId":-1,"createdAt":"2026-01-02T03:04:05.678Z","#
        + #""updatedAt":"2024-02-29T00:00:00.000Z","configuration":{"$json":["{\"rate\": 1e400}"]},"status":"success","#
        + #""schedule":{"type":"interval","schedule":{"kind":"interval","interval":{"unit":"hour","quantity":1}}},"#
        + #""disabled":false,"lastRunAt":null,"referencedColumns":["id",""],"externalSegment":{"id":"s"},"tags":{"a":"b"}}"#
    private let run =
        #"{"id":1,"status":"success","querySize":0,"completionRatio":0.25,"#
        + #""plannedRows":{"addedCount":1,"changedCount":0,"removedCount":0},"#
        + #""successfulRows":{"addedCount":1,"changedCount":0,"removedCount":0},"#
        + #""failedRows":{"addedCount":0,"changedCount":0,"removedCount":0}}"#
    private let meta =
        #"{"callId":"a","requestId":"b","operation":"syncs.list","waitedMs":0,"durationMs":12,"mended":["0.id"],"#
        + #""attempts":[{"status":200,"atMs":0,"ms":3},{"failure":"timeout","atMs":5,"ms":7}],"#
        + #""cuts":[{"allowed":20,"closedMs":1000}],"scopeChanges":[{"scope":"process","fallback":"x"}]}"#

    private func decoded<Value: Decodable>(_ type: Value.Type, _ json: String, texts: String = "") throws -> Value {
        try DoorDecoder.decode(type, from: Data(json.utf8), texts: Data(texts.utf8))
    }

    private func isUsual<Value: Decodable & Equatable>(
        _ type: Value.Type, _ json: String, texts: String = "", line: UInt = #line
    ) throws {
        let data = Data(texts.utf8)
        let expected = try Coding.doorDecoder(texts: data).decode(type, from: Data(json.utf8))
        XCTAssertEqual(try decoded(type, json, texts: texts), expected, line: line)
    }

    private func isUnusual<Value: Decodable>(
        _ type: Value.Type, _ json: String, texts: String = "", line: UInt = #line
    ) {
        XCTAssertThrowsError(try decoded(type, json, texts: texts), json, line: line)
    }

    func testWhatTheCoreWritesIsUsualAndEqualsWhatAJSONDecoderReads() throws {
        try isUsual(Sync.self, sync)
        try isUsual([Sync].self, "[\(sync),\(sync)]")
        try isUsual([Sync].self, "[]")
        try isUsual(SyncRun.self, run)
        try isUsual(SyncRun?.self, run)
        try isUsual(SyncRun?.self, "null")
        try isUsual(CallMeta.self, meta)
        for rule in [
            #"{"kind":"cron","expression":"0 * * * *"}"#, #"{"kind":"dbt","job":{"id":"5"}}"#,
            #"{"kind":"visual","expressions":[{"days":{"monday":true},"time":"09:00"}]}"#,
            #"{"kind":"unknown","raw":{"$json":["{}"]}}"#,
        ] {
            try isUsual(ScheduleRule.self, rule)
        }
        try isUsual([String: JSONValue].self, #"{"a":{"$json":["1.50"]},"b":{"$json":[1,5]}}"#, texts: " null ")
        XCTAssertEqual(try decoded(Sync.self, sync).slug, "orders \"1\" é é")
        XCTAssertEqual(try decoded(Sync.self, sync).configuration?.text, #"{"rate": 1e400}"#)
        XCTAssertEqual(try decoded(JSONValue.self, #"{"$json":[1,5]}"#, texts: " 1.50").text, "1.50")
    }

    func testWhatIsNotUsualIsLeftToAJSONDecoder() {
        isUnusual(Int.self, "3.0")
        isUnusual(Int.self, "1234567890123456789")
        for text in ["-", "", " 1", "1 ", "null", "\"1\"", "[1]", "true", "1,2", "0x1"] { isUnusual(Int.self, text) }
        for text in ["tru", "1", "truefalse"] { isUnusual(Bool.self, text) }
        isUnusual(Double.self, "1e400")
        isUnusual(Int8.self, "1")
        isUnusual(UInt64.self, "1")
        isUnusual(Date.self, "\"2026-04-31T00:00:00.000\"")
        isUnusual([String].self, #"["a",]"#)
        isUnusual([String: String].self, #"{"a\n":"b"}"#)
        isUnusual([Int].self, String(repeating: "[", count: 100_000))
        let members = (0..<65).map { "\"\($0)\":\"\"" }.joined(separator: ",")
        isUnusual([String: String].self, "{\(members)}")
        for mark in ["[1,9]", "[3,2]", "[-1,2]", "[]", "[\"1\"", "1", "{}", "[true]", "[1,true]"] {
            isUnusual(JSONValue.self, "{\"$json\":\(mark)}", texts: "1234")
        }
        for json in ["{}", #"{"other":["1"]}"#, "[]", "1", "null"] { isUnusual(JSONValue.self, json, texts: "1234") }
        isUnusual(SyncRun.self, #"{"id":1}"#)
    }

    /// The decoder reads memory through unsafe pointers, so no text may make it read beyond the end of the JSON.
    func testNoBrokenTextIsReadBeyondItsEndOrReadDifferently() throws {
        for (type, json) in [(Sync.self, sync), (SyncRun.self, run), (CallMeta.self, meta)]
            as [(any (Decodable & Equatable).Type, String)]
        {
            for length in 0..<json.utf8.count {
                XCTAssertThrowsError(try decoded(type, String(decoding: json.utf8.prefix(length), as: UTF8.self)))
            }
            var any = Arbitrary(seed: UInt64(json.utf8.count))
            for _ in 0..<3000 {
                var bytes = Array(json.utf8)
                for _ in 0...Int.random(in: 0...2, using: &any) {
                    let place = Int.random(in: bytes.indices, using: &any)
                    bytes[place] = bytes[Int.random(in: bytes.indices, using: &any)]
                }
                try compare(type, String(decoding: bytes, as: UTF8.self))
            }
        }
    }

    private func compare<Value: Decodable & Equatable>(_ type: Value.Type, _ json: String) throws {
        let usual = try? decoded(type, json)
        // A `JSONDecoder` crashes on a name with a wrong escape, so the test gives the `JSONDecoder` only valid JSON.
        guard let usual, (try? JSONScanner.checked(json)) != nil,
            let expected = try? Coding.doorDecoder().decode(type, from: Data(json.utf8))
        else { return }
        XCTAssertEqual(usual, expected, json)
    }
}
