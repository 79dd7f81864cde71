import Foundation
import XCTest

@testable import HightouchSDK

/// Runs two programs of README.md. The first runs several syncs, of which some fail. The second writes a week's runs to
/// a file.
final class DailyJobTests: XCTestCase {
    private let fiveSyncs = ExampleProgram(name: "five-syncs", page: "README.md")
    private let weekOfRuns = ExampleProgram(name: "week-of-runs", page: "README.md")

    func testTheProgramsAreThoseOfTheDocumentation() throws {
        for program in [fiveSyncs, weekOfRuns] { XCTAssertTrue(try program.isDocumented(), program.name) }
    }

    func testFiveSyncsOfWhichTwoFailAreNamedAndTheProgramExitsWith1() async throws {
        let world = try await Sandbox.running().world([
            "syncs": 5, "pastRuns": 0, "slugs": ["orders-to-salesforce", "sync-2", "sync-3", "sync-4", "sync-5"],
            "runs": [
                "seconds": 1,
                "bySlug": [
                    "sync-2": ["status": "failed", "error": "the destination refused the key"],
                    "sync-4": ["status": "cancelled"],
                ],
            ],
        ])
        let (program, output) = try fiveSyncs.start(world)
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        program.waitUntilExit()
        XCTAssertEqual(program.terminationReason, .exit, said)
        XCTAssertEqual(program.terminationStatus, 1, said)
        let expected =
            #"syncs\.runMany: 2 of 5 syncs did not succeed: sync 2 \(run \d+\): failed: the destination refused the key;"#
            + #" sync 4 \(run \d+\): cancelled"#
        XCTAssertNotNil(said.range(of: expected, options: .regularExpression), said)
    }

    // The limit of open files that this test sets (8) fits only Linux.
    #if os(Linux)
        /// Incident: the first call of a process starts the thread that makes all calls. The thread needs file
        /// descriptors. If none was available, the call threw an unclear error of the bridge.
        func testAProgramThatMayOpenNoMoreFilesSaysSo() async throws {
            let world = try await Sandbox.running().world(["syncs": 1])
            // With a limit of 8 files, the thread cannot start. With a higher limit it would start, and with a lower
            // one the runtime of Swift could not print the error.
            let said = try weekOfRuns.errors(world, files: 8)
            XCTAssertTrue(said.contains("too many open files"), said)
            XCTAssertTrue(said.contains("ulimit -n"), said)
        }
    #endif

    /// Each line of the file is one run. The test reads the runs of each sync itself, and expects the same lines.
    func testTheFileOfAWeekHasEachRunOfEachSyncOnce() async throws {
        let world = try await Sandbox.running().world(["syncs": 30, "pastRuns": 2])
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let after = Date(timeIntervalSinceNow: -7 * 86_400)
        let (program, _) = try weekOfRuns.start(world, in: folder)
        program.waitUntilExit()
        XCTAssertEqual(program.terminationStatus, 0)
        let client = try world.client()
        var expected: [String] = []
        for try await sync in client.syncs.list() {
            for try await line in client.syncs.runs(.id(sync.id), after: after).csv(header: false) {
                expected.append(line)
            }
        }
        let file = try String(contentsOf: folder.appendingPathComponent("runs.csv"), encoding: .utf8)
        let lines = file.components(separatedBy: "\r\n").dropLast().map { $0 + "\r\n" }
        XCTAssertEqual(lines.first, SyncRunRecord.columns.map(\.name).joined(separator: ",") + "\r\n")
        XCTAssertGreaterThan(expected.count, 30)
        XCTAssertEqual(lines.dropFirst().sorted(), expected.sorted())
        try await client.close()
    }
}
