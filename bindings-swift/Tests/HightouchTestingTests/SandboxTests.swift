import Foundation
import HightouchSDK
import XCTest

@testable import HightouchTesting

final class SandboxTests: XCTestCase {
    private func folder(_ program: String?) throws -> String {
        let files = FileManager.default
        let folder = files.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        addTeardownBlock { try files.removeItem(at: folder) }
        if let program {
            let path = folder.appendingPathComponent("hightouch-sandbox")
            try program.write(to: path, atomically: true, encoding: .utf8)
            try files.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path.path)
        }
        return folder.path
    }

    func testTheProgramIsFoundByItsVariableElseOnThePath() throws {
        let (empty, full) = (try folder(nil), try folder("#!/bin/sh\n"))
        let found = "\(full)/hightouch-sandbox"
        XCTAssertEqual(try Sandbox.program(in: ["HIGHTOUCH_SANDBOX": "/a/b", "PATH": full]), "/a/b")
        XCTAssertEqual(try Sandbox.program(in: ["PATH": "\(empty):\(full)"]), found)
        XCTAssertEqual(try Sandbox.program(in: ["HIGHTOUCH_SANDBOX": "", "PATH": full]), found)
        for environment in [[:], ["PATH": empty]] {
            XCTAssertThrowsError(try Sandbox.program(in: environment)) { error in
                XCTAssertEqual(
                    "\(error)",
                    "There is no program hightouch-sandbox on PATH. Install it with `pip install hightouch-sandbox`, "
                        + "or set HIGHTOUCH_SANDBOX to its path.")
                XCTAssertEqual(error.localizedDescription, "\(error)")
            }
        }
    }

    func testAProgramThatDoesNotStartIsAnError() async throws {
        let silent = try folder("#!/bin/sh\nexit 3\n") + "/hightouch-sandbox"
        for (program, reason) in [(silent, "printed no address"), ("/no/such/program", "cannot be run")] {
            do {
                _ = try await Sandbox(program: program)
                XCTFail("\(program) started")
            } catch let error as SandboxError {
                XCTAssertTrue("\(error)".contains(reason), "\(error)")
                XCTAssertTrue("\(error)".contains(program), "\(error)")
            }
        }
    }

    func testAServerServesUntilItIsClosed() async throws {
        let server = try await Sandbox(arguments: ["--syncs", "5"])
        let connected = Sandbox(connecting: server.url)
        XCTAssertNil(connected.caBundle)
        try await withWorld(sandbox: connected) { world in
            let syncs = try await world.client().syncs.list().all()
            XCTAssertEqual(syncs.count, 3)
        }
        await server.close()
        await server.close()
        do {
            _ = try await World(sandbox: server)
            XCTFail("the server still serves")
        } catch {}
    }

    func testWorldsOfOneProcessShareAServer() async throws {
        let urls = try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<8 { group.addTask { try await Sandbox.shared().url } }
            return try await group.reduce(into: Set<String>()) { $0.insert($1) }
        }
        XCTAssertEqual(urls.count, 1)
    }

    /// A test names the method for which it plans a fault. The names must be those of the client in Swift.
    func testEveryMethodHasTheOperationsOfItsFirstMethod() throws {
        XCTAssertEqual(try operations(of: "syncs.trigger"), ["TriggerRun", "TriggerRunCustom"])
        XCTAssertEqual(try operations(of: "syncSequences.trigger"), ["TriggerSequenceRun"])
        XCTAssertEqual(Set(methods.map(\.name)).count, methods.count)
        XCTAssertGreaterThan(methods.count, 40)
    }
}
