import Foundation
import XCTest

@testable import HightouchSDK

final class CodingTests: XCTestCase {
    private func roundTrip<Value: Codable & Equatable>(_ type: Value.Type, _ json: String) throws -> Value {
        let value = try Coding.decoder().decode(type, from: Data(json.utf8))
        let original = try Coding.decoder().decode(JSONValue.self, from: Data(json.utf8))
        XCTAssertEqual(try JSONValue(of: value), original)
        return value
    }

    func testASyncKeepsEveryFieldThroughDecodingAndEncoding() throws {
        let sync = try roundTrip(
            Sync.self,
            """
            {"id": 7, "slug": "orders", "workspaceId": 1, "createdAt": "2026-01-02T03:04:05.678Z",
             "updatedAt": "2026-01-02T03:04:05.000Z", "destinationId": 2, "modelId": 3, "status": "success",
             "configuration": {"mode": "upsert", "rate": 0.5, "batch": 100, "deep": [{"a": null}, true, [], {}]},
             "schedule": {"type": "interval", "schedule": {"kind": "interval", "interval": {"unit": "hour", "quantity": 1}}},
             "disabled": false, "lastRunAt": "1999-12-31T23:59:59.999Z", "referencedColumns": ["id"], "primaryKey": "id",
             "externalSegment": {"id": "s"}, "tags": {"team": "ops"}}
            """)
        XCTAssertEqual(sync.configuration?["deep"]?[1], true)
        XCTAssertEqual(sync.schedule?.schedule, .interval(IntervalRule(interval: Interval(unit: "hour", quantity: 1))))
        XCTAssertEqual(sync.status, .success)
    }

    func testASchedulesKindSelectsItsType() throws {
        let cases: [(String, (ScheduleRule) -> Bool)] = [
            (#"{"kind": "interval"}"#, { if case .interval = $0 { true } else { false } }),
            (#"{"kind": "cron", "expression": "0 * * * *"}"#, { $0 == .cron(CronRule(expression: "0 * * * *")) }),
            (
                #"{"kind": "visual", "expressions": [{"days": {"monday": true}, "time": "09:00"}]}"#,
                { if case .visual(let rule) = $0 { rule.expressions.first?.days?.monday == true } else { false } }
            ),
            (
                #"{"kind": "dbt", "job": {"id": "5"}}"#,
                { if case .dbt(let rule) = $0 { rule.job?.id == "5" } else { false } }
            ),
            (#"{"kind": "unknown", "raw": {"moon": "full"}}"#, { $0 == .unknown(["moon": "full"]) }),
        ]
        for (json, holds) in cases {
            XCTAssert(holds(try roundTrip(ScheduleRule.self, json)), json)
        }
    }

    func testPlainArgumentsAreWrittenAsAnEncoderWritesThem() throws {
        let all: [Fields] = [
            [:], ["a": 1], ["a": "x", "b": true, "c": false, "d": -7, "e": String?.none],
            ["text": "\"\\\n\t\u{1}\u{7f}/é😀\u{2028}"], ["\"": "name"], ["twice": 1, "twice": 2],
            ["sync": SyncReference.id(7)], ["sync": SyncReference.slug("7")], ["sync": SyncReference.slug("\"a\"")],
            ["half": 0.5, "list": ["a"], "at": Date(timeIntervalSince1970: 1), "opaque": JSONValue(1)],
        ]
        for fields in all {
            let expected = try Coding.doorEncoder().encode(fields)
            let written = try JSONValue(text: fields.json())
            XCTAssertEqual(written, try JSONValue(text: String(decoding: expected, as: UTF8.self)))
            guard case .object(let members) = written.level else { return XCTFail("\(written) is not an object") }
            XCTAssertEqual(Set(members.map(\.name)).count, members.count, "\(written) has a name twice")
        }
    }

    func testAnUnknownStatusKeepsItsText() throws {
        let run = try Coding.decoder().decode(
            SyncRun.self,
            from: Data(
                #"{"id": 1, "status": "dreaming", "querySize": 0, "completionRatio": 0, "plannedRows": {"addedCount": 0, "changedCount": 0, "removedCount": 0}, "successfulRows": {"addedCount": 0, "changedCount": 0, "removedCount": 0}, "failedRows": {"addedCount": 0, "changedCount": 0, "removedCount": 0}}"#
                    .utf8))
        XCTAssertEqual(run.status.rawValue, "dreaming")
        XCTAssertEqual("\(run.status)", "dreaming")
    }

    func testEveryMillisecondOfATimestampIsKept() throws {
        for second in ["1970-01-01T00:00:00", "2026-07-10T12:34:56", "2099-12-31T23:59:59"] {
            for millisecond in 0..<1000 {
                let text = "\(second).\(String(format: "%03d", millisecond))Z"
                XCTAssertEqual(Coding.text(try Coding.date(text)), text)
            }
        }
    }

    func testEveryDayOfATimestampIsKept() throws {
        for year in [1600, 1900, 1970, 2000, 2024, 2025, 2100, 9998] {
            for (month, days) in [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].enumerated() {
                let isLeapMonth = month == 1 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
                for day in 1...(isLeapMonth ? 29 : days) {
                    let text = String(format: "%04d-%02d-%02dT23:59:59.999Z", year, month + 1, day)
                    XCTAssertEqual(Coding.text(try Coding.date(text)), text)
                }
            }
        }
    }

    func testATimestampInAnotherFormIsRejected() {
        for text in ["2026-07-10", "tomorrow", ""] {
            XCTAssertThrowsError(try Coding.date(text), text)
        }
    }

    func testAFailureKeepsEveryFieldThroughDecodingAndEncoding() throws {
        let error = try roundTrip(
            HightouchError.self,
            """
            {"kind": "not_found", "code": "gone", "message": "syncs.get(7): there is no such sync.", "status": 404,
             "details": {"why": ["gone"]}, "operation": "syncs.get", "operationId": "GetSync", "resource": "sync 7",
             "retryAfterMs": 1500, "hint": "Check the id.", "causes": ["a", "b"], "run": "token",
             "meta": {"callId": "c", "requestId": "r", "operation": "syncs.get", "operationId": "GetSync",
                      "resource": "sync 7", "sync": "7", "waitedMs": 1, "durationMs": 2, "mended": ["data.3"],
                      "attempts": [{"failure": "connect", "atMs": 0, "ms": 3}, {"status": 404, "atMs": 5, "ms": 4}],
                      "cuts": [{"allowed": 140, "closedMs": 1500}],
                      "scopeChanges": [{"scope": "process", "fallback": "it is away"}, {"scope": "fleet"}]}}
            """)
        XCTAssertEqual(error.code, "gone")
        XCTAssertEqual(error.meta?.cuts.map(\.allowed), [140])
        XCTAssertEqual(error.retryAfter, .milliseconds(1500))
        XCTAssertEqual(error.meta?.operationId, "GetSync")
        XCTAssertEqual("\(error)", "notFound: syncs.get(7): there is no such sync. Check the id.")
    }

    /// An alert shows the hint apart from the message, so `errorDescription` must not contain the hint.
    func testFoundationShowsTheMessageTheCausesAndTheHintInTheirOwnPlaces() throws {
        let error = try Coding.decoder().decode(
            HightouchError.self,
            from: Data(#"{"kind": "tls", "message": "It failed.", "hint": "Do this.", "causes": ["a", "b"]}"#.utf8))
        XCTAssertEqual(error.localizedDescription, "It failed.")
        XCTAssertEqual(error.errorDescription, "It failed.")
        XCTAssertEqual(error.failureReason, "a: b")
        XCTAssertEqual(error.recoverySuggestion, "Do this.")
        let plain = HightouchError(.closed, "It is closed.")
        XCTAssertNil(plain.failureReason)
        XCTAssertNil(plain.recoverySuggestion)
        XCTAssertEqual("\(plain)", "closed: It is closed.")
    }

    func testAMetaOfAnOlderVersionDecodesWithoutNewerFields() throws {
        let json = """
            {"requestId":"r","operation":"o","waitedMs":1,"durationMs":2,"mended":[],"attempts":[{"status":200,"ms":3}]}
            """
        let meta = try Coding.decoder().decode(CallMeta.self, from: Data(json.utf8))
        XCTAssertEqual(meta.cuts, [])
        XCTAssertEqual(meta.scopeChanges, [])
        XCTAssertNil(meta.operationId)
        XCTAssertNil(meta.sync)
        XCTAssertEqual(meta.callId, "")
        XCTAssertEqual(meta.attempts.map(\.atMs), [0])
    }

    func testAPatchSendsNothingNullOrAValue() throws {
        let fields: Fields = [
            "absent": Patch<String>.absent.sent, "nil": (nil as Patch<String>).sent, "null": Patch<String>.null.sent,
            "set": Patch.set("x").sent, "copiedNil": Patch<String>.setOrClear(nil).sent,
            "copied": Patch.setOrClear("y").sent,
        ]
        XCTAssertEqual(try JSONValue(of: fields), ["null": nil, "set": "x", "copiedNil": nil, "copied": "y"])
    }

    func testADurationBecomesMillisecondsRoundedUp() {
        XCTAssertEqual(Duration.seconds(1800).milliseconds, 1_800_000)
        XCTAssertEqual(Duration.nanoseconds(1).milliseconds, 1)
        XCTAssertEqual(Duration.zero.milliseconds, 0)
        XCTAssertEqual(Duration.seconds(Int64.max).milliseconds, .max)
    }

    func testALiteralIsAReferenceToAnIdOrASlug() throws {
        XCTAssertEqual(7 as SyncReference, .id(7))
        XCTAssertEqual("orders" as SyncReference, .slug("orders"))
        XCTAssertEqual(try JSONValue(of: [SyncReference.id(7), .slug("7")]), [7, "7"])
        XCTAssertEqual(SyncReference.id(7), "7")
        XCTAssertEqual(Set<SyncReference>([7, "7", "orders", "7a"]).count, 3)
        XCTAssertNotEqual(SyncReference.id(7), "7a")
    }

    func testJSONDistinguishesNumbersStringsAndBooleans() throws {
        let text = #"{"a": 1, "b": 1.5, "c": "1", "d": true, "e": null, "f": 9007199254740993, "g": 1e300, "h": [[]]}"#
        let value = try Coding.decoder().decode(JSONValue.self, from: Data(text.utf8))
        XCTAssertEqual(
            value, ["a": 1, "b": 1.5, "c": "1", "d": true, "e": nil, "f": 9_007_199_254_740_993, "g": 1e300, "h": [[]]])
        XCTAssertEqual(try JSONValue(of: value), value)
        XCTAssertEqual(
            "\(value)",
            #"{"a":1,"b":1.5,"c":"1","d":true,"e":null,"f":9007199254740993,"g":1e+300,"h":[[]]}"#)
        XCTAssertNil(value["h"]?[1])
        XCTAssertNil(value["a"]?["b"])
    }
}
