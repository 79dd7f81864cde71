import Foundation
import HightouchSDK
import XCTest

final class RecordTests: XCTestCase {
    private let digits = #"{"id":123456789012345678901234567890123456789012345678.10,"mode":"insert"}"#

    private func text<Lines: AsyncSequence>(_ lines: Lines) async throws -> String where Lines.Element == String {
        try await lines.reduce(into: "") { $0 += $1 }
    }

    private func ids(_ syncs: [Sync]) -> [Int] { syncs.map(\.id) }

    func testTheRunsOfASyncHaveItsIdAndItsSlugOnEveryPage() async throws {
        let world = try await Sandbox.running().world(
            ["syncs": 3, "pastRuns": 5, "slugs": ["orders-to-salesforce"]])
        let ht = try world.client()
        let run = try await ht.syncs.runs(2).first()
        var records: [SyncRunRecord] = []
        for try await record in ht.syncs.runs("orders-to-salesforce", limit: 2).records { records.append(record) }
        XCTAssertEqual(records.map(\.syncId), [1, 1, 1, 1, 1])
        XCTAssertEqual(Set(records.map(\.syncSlug)), ["orders-to-salesforce"])
        let record = try await ht.syncs.runs(2).firstPage().records.first
        let value = try XCTUnwrap(run)
        XCTAssertEqual(record, value.record(of: RecordParent(syncId: 2)))
        XCTAssertEqual(record?.plannedTotal, value.plannedRows.total)
        XCTAssertEqual(record?.plannedAdded, value.plannedRows.addedCount)
        let seconds = try XCTUnwrap(record?.durationSeconds)
        XCTAssertEqual(seconds, try XCTUnwrap(value.finishedAt).timeIntervalSince(try XCTUnwrap(value.startedAt)))
        XCTAssertEqual(value.duration, .milliseconds(Int(seconds * 1000)))
        XCTAssert(value.isTerminal)
        try await world.delete()
    }

    func testEveryListIsWrittenWithAllColumnsAndOneLineForEachElement() async throws {
        let world = try await Sandbox.running().world(["syncs": 3])
        let ht = try world.client()
        let flow = try await ht.decisionEngine.listFlows().first()
        try await check(ht.sources.list())
        try await check(ht.destinations.list())
        try await check(ht.models.list())
        try await check(ht.syncs.list())
        try await check(ht.syncs.runs(1))
        try await check(ht.identityGraphs.runs("customers"))
        try await check(ht.eventContracts.list())
        try await check(ht.eventDomains.list())
        try await check(ht.decisionEngine.listFlows())
        try await check(ht.decisionEngine.listMessages(try XCTUnwrap(flow?.id)))
        try await world.delete()
    }

    /// Checks that each line of JSON has every column, with a value of the column's type, and decodes to the record.
    private func check<Element: Recordable>(_ list: PagedSequence<Element>) async throws {
        let columns = Element.Record.columns
        let records = try await list.records.reduce(into: []) { $0.append($1) }
        let lines = try await list.jsonLines().reduce(into: []) { $0.append($1) }
        XCTAssertEqual(lines.count, records.count)
        XCTAssertFalse(lines.isEmpty, "\(Element.self)")
        for (line, record) in zip(lines, records) {
            XCTAssertEqual(line.last, "\n")
            let json = try JSONValue(text: line)
            let members = try XCTUnwrap(json.object)
            XCTAssertEqual(Set(members.keys), Set(columns.map(\.name)))
            XCTAssertEqual(record.cells.count, columns.count)
            for column in columns {
                let cell = try XCTUnwrap(members[column.name])
                XCTAssert(fits(cell, column.kind), "\(Element.self).\(column.name): \(cell)")
            }
            XCTAssertEqual(try json.decode(as: Element.Record.self), record)
            let (encoder, decoder) = (JSONEncoder(), JSONDecoder())
            XCTAssertEqual(try decoder.decode(Element.Record.self, from: try encoder.encode(record)), record)
        }
        let header = try await list.csv(snakeCase: true).first { _ in true }
        XCTAssertEqual(header, columns.map(\.snakeName).joined(separator: ",") + "\r\n")
    }

    private func fits(_ cell: JSONValue, _ kind: RecordColumn.Kind) -> Bool {
        if cell == .null { return true }
        return switch kind {
        case .int: cell.int != nil
        case .float: cell.double != nil
        case .bool: cell.bool != nil
        case .string: cell.string != nil
        case .timestamp: (try? cell.decode(as: Date.self)) != nil
        case .list: cell.array != nil
        case .json: cell.string.flatMap { try? JSONValue(text: $0) } != nil
        }
    }

    func testOpaqueJSONKeepsEveryDigitInARecordAndInAValueThatIsEncoded() async throws {
        let list: JSONValue = ["data": [["id": 1, "slug": "a", "configuration": try JSONValue(text: digits)]]]
        let answer: JSONValue = ["status": 200, "text": .string(list.text)]
        let script: JSONValue = [["when": ["operation": "ListSync", "nth": 1], "answer": answer]]
        let world = try await Sandbox.running().world(["script": script])
        let found = try await world.client().syncs.list().first()
        let sync = try XCTUnwrap(found)
        XCTAssertEqual(sync.record().configuration, digits)
        let rule = Schedule(type: "x", schedule: .unknown(try JSONValue(text: digits)))
        let scheduled = Sync(id: 1, slug: "a", schedule: rule)
        XCTAssert(try XCTUnwrap(scheduled.record().schedule).contains(digits))
        let text = try JSONValue(encoding: [sync]).text
        XCTAssert(text.contains(#""configuration":\#(digits)"#), text)
        // `$json` marks opaque JSON on its way to the core, but is an ordinary name in a user's value.
        XCTAssertEqual(try JSONValue(encoding: ["$json": ["1"]]).text, #"{"$json":["1"]}"#)
        let file = try await self.text(
            PagedSequence(pages: [Page(items: [sync])]).csv(columns: ["id", "configuration"]))
        XCTAssertEqual(
            file, "id,configuration\r\n1,\"\(digits.replacingOccurrences(of: "\"", with: "\"\""))\"\r\n")
        try await world.delete()
    }

    private func sources(_ names: [String]) -> PagedSequence<Source> {
        PagedSequence(pages: [Page(items: names.map { Source(id: 1, name: $0, slug: "a-b") })])
    }

    func testCSVIsQuotedByRFC4180AndTellsAnEmptyTextFromNil() async throws {
        let names = ["a,b", "say \"hi\"", "two\r\nlines", "\"\u{301}", "", " kept ", "=1+2", "é😀"]
        let written = try await text(sources(names).csv(columns: ["name", "id", "type"]))
        let expected = [
            "name,id,type", "\"a,b\",1,", "\"say \"\"hi\"\"\",1,", "\"two\r\nlines\",1,", "\"\"\"\u{301}\",1,",
            "\"\",1,", " kept ,1,", "=1+2,1,", "é😀,1,", "",
        ]
        XCTAssertEqual(Array(written.utf8), Array(expected.joined(separator: "\r\n").utf8))
        let empty = try await text(sources([]).csv(columns: ["name"]))
        XCTAssertEqual(empty, "name\r\n")
        let bare = try await text(sources([]).csv(header: false))
        XCTAssertEqual(bare, "")
    }

    /// Strangers may choose names in a workspace. A spreadsheet would run a name that begins with `=` as a formula.
    func testCSVHasNoFormulasIfAskedAndOtherTextsStay() async throws {
        let formulas = ["=1+2", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\r\n=1"]
        let lines = sources(formulas).csv(header: false, columns: ["name", "slug"], escapingFormulas: true)
        let written = try await text(lines).replacingOccurrences(of: "\"", with: "")
        XCTAssertEqual(Array(written.utf8), Array(formulas.map { "'\($0),a-b\r\n" }.joined().utf8))
    }

    func testAColumnThatTheRecordsDoNotHaveIsRefused() async throws {
        do {
            _ = try await text(sources(["a"]).csv(columns: ["nmae"]))
            XCTFail("it was not refused")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .invalidRequest)
            XCTAssert(error.message.contains("SourceRecord has no column \"nmae\""), error.message)
        }
    }

    func testAPageIsFetchedOnlyWhenTheLinesBeforeItWereTaken() async throws {
        let world = try await Sandbox.running().world(["syncs": 25])
        let ht = try world.client()
        var lines = ht.syncs.list(limit: 10).jsonLines().makeAsyncIterator()
        var requests = try await world.requests().count
        XCTAssertEqual(requests, 0)
        for _ in 0..<10 { _ = try await lines.next() }
        requests = try await world.requests().count
        XCTAssertEqual(requests, 1)
        _ = try await lines.next()
        requests = try await world.requests().count
        XCTAssertEqual(requests, 2)
        try await world.delete()
    }

    func testAsManyElementsAreFetchedAsAreWantedAndNoPageForMore() async throws {
        let world = try await Sandbox.running().world(["syncs": 25])
        let ht = try world.client()
        let ten = try await ht.syncs.list(limit: 10).collect(max: 10)
        XCTAssertEqual(ids(ten), Array(1...10))
        let first = try await ht.syncs.list(limit: 10).first()
        XCTAssertEqual(first?.id, 1)
        let prefix = try await ht.syncs.list(limit: 10).prefix(10).reduce(into: []) { $0.append($1) }
        XCTAssertEqual(ids(prefix), Array(1...10))
        let none = try await ht.syncs.list().collect(max: 0)
        XCTAssertEqual(none, [])
        let requests = try await world.requests().count
        XCTAssertEqual(requests, 3)
        let all = try await ht.syncs.list(limit: 10).collect(max: 99)
        XCTAssertEqual(ids(all), Array(1...25))
        let missing = try await ht.syncs.list(slug: "no-such-sync").first()
        XCTAssertNil(missing)
        do {
            _ = try await ht.syncs.list().collect(max: -1)
            XCTFail("it was not refused")
        } catch let error as HightouchError {
            XCTAssertEqual(error.kind, .invalidRequest)
        }
        try await world.delete()
    }

    /// A list that a test creates from pages behaves like a list of the API.
    func testAListCanBeMadeUpForATest() async throws {
        let pages = [Page(items: [Sync(id: 1, slug: "a")], isLast: false), Page(items: [Sync(id: 2, slug: "b")])]
        let list = PagedSequence(pages: pages)
        let (all, first) = (try await list.all(), try await list.firstPage())
        XCTAssertEqual(ids(all), [1, 2])
        XCTAssertEqual(first, pages[0])
        let empty = try await PagedSequence<Sync>(pages: []).all()
        XCTAssertEqual(empty, [])
        let runs = [Page(items: [SyncRun(id: 9, status: .success)], parent: RecordParent(syncId: 7))]
        let records = try await PagedSequence(pages: runs).records.reduce(into: []) { $0.append($1) }
        XCTAssertEqual(records.map(\.syncId), [7])
        let error = HightouchError(.notFound, "There is no such sync.", because: CancellationError())
        XCTAssertEqual(error.kind, .notFound)
        XCTAssert(error.underlying is CancellationError)
    }

    func testARunHasEndedWithEachFinalStatusAndWithNoOther() {
        let final: Set<SyncRunStatus> = [.success, .warning, .failed, .cancelled, .interrupted]
        for status in [.queued, .querying, .processing, .reporting, "dreaming"] + final {
            XCTAssertEqual(SyncRun(id: 1, status: status).isTerminal, final.contains(status), "\(status)")
        }
        for status: SequenceRunStatus in [.done, .failed, .cancelled, .pending, .running, "x"] {
            let ended = [.done, .failed, .cancelled].contains(status)
            XCTAssertEqual(SequenceRun(id: "1", status: status).isTerminal, ended, "\(status)")
        }
        for status: IdentityGraphRunStatus in [.success, .failure, .cancelled, .queued, .processing, "x"] {
            let ended = [.success, .failure, .cancelled].contains(status)
            XCTAssertEqual(IdentityGraphRun(id: "1", status: status).isTerminal, ended, "\(status)")
        }
        XCTAssertNil(SyncRun(id: 1, status: .queued, startedAt: Date()).duration)
    }

    /// Incident: a value that was encoded and decoded with the strategies of the user's own coders was not equal to the
    /// original.
    func testValuesGoThroughAUsersCodersAndThroughOurs() async throws {
        let world = try await Sandbox.running().world(["syncs": 2])
        let ht = try world.client()
        let (syncs, runs) = (try await ht.syncs.list().all(), try await ht.syncs.runs(1).all())
        let (plain, iso) = ((JSONEncoder(), JSONDecoder()), (JSONEncoder(), JSONDecoder()))
        iso.0.dateEncodingStrategy = .millisecondsSince1970
        iso.1.dateDecodingStrategy = .millisecondsSince1970
        iso.0.keyEncodingStrategy = .convertToSnakeCase
        iso.1.keyDecodingStrategy = .convertFromSnakeCase
        let queried = Model(id: 1, name: "m", slug: "m", dbtCloud: DbtQuery(name: "orders", modelId: 2))
        for (encoder, decoder) in [plain, iso, (.hightouch(), .hightouch())] {
            XCTAssertEqual(try decoder.decode([SyncRun].self, from: try encoder.encode(runs)), runs)
            let again = try decoder.decode([Sync].self, from: try encoder.encode(syncs))
            XCTAssertEqual(again.map(\.schedule), syncs.map(\.schedule))
            XCTAssertEqual(again.map(\.createdAt), syncs.map(\.createdAt))
            XCTAssertEqual(again, syncs)
            XCTAssertEqual(try decoder.decode(Model.self, from: try encoder.encode(queried)), queried)
        }
        let text = String(decoding: try JSONEncoder.hightouch().encode(runs), as: UTF8.self)
        XCTAssertNotNil(text.firstMatch(of: /"createdAt":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/), text)
        try await world.delete()
    }
}
