import Foundation
import XCTest

@testable import HightouchSDK

/// Sends signals to the program in docs/runs.md that stops its batch when a signal arrives.
final class SignalTests: XCTestCase {
    private let nightly = ExampleProgram(name: "nightly", page: "docs/runs.md")

    func testTheProgramIsTheOneOfTheDocumentation() throws { XCTAssertTrue(try nightly.isDocumented()) }

    func testASignalStopsTheBatchAndTheProgramSaysWhichRunsGoOn() async throws {
        for number in [SIGTERM, SIGINT] {
            let world = try await Sandbox.running().world([
                "syncs": 8, "pastRuns": 0, "slugs": ["orders-to-salesforce"], "runs": ["seconds": 100_000],
            ])
            let (program, output) = try nightly.start(world)
            while try await world.requests().count(where: { $0["method"] == "POST" }) < 3 {
                try await Task.sleep(for: .milliseconds(20))
            }
            kill(program.processIdentifier, number)
            let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            program.waitUntilExit()
            XCTAssertEqual(program.terminationReason, .exit, said)
            XCTAssertEqual(program.terminationStatus, 143, said)
            let lines = said.split(separator: "\n")
            XCTAssertEqual(lines.count, 3, said)
            let base = try world.text("httpBaseUrl")
            let client = try world.client { $0.baseURL = base }
            for line in lines {
                XCTAssertTrue(line.contains("goes on: "), said)
                let token = try XCTUnwrap(line.split(separator: " ").last)
                _ = try await client.run(String(token))
            }
            try await client.close()
        }
    }

    func testWithoutASignalTheProgramEndsWithItsRuns() async throws {
        let world = try await Sandbox.running().world([
            "syncs": 8, "pastRuns": 0, "slugs": ["orders-to-salesforce"], "runs": ["seconds": 1],
        ])
        let (program, output) = try nightly.start(world)
        let said = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        program.waitUntilExit()
        XCTAssertEqual(program.terminationStatus, 0)
        XCTAssertEqual(said, "3 syncs have ended\n")
    }
}
