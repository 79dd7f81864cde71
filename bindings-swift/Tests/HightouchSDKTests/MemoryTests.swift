import Foundation
import XCTest

@testable import HightouchSDK

final class MemoryTests: XCTestCase {
    func testMemoryStaysFlatOverAListOf40000Syncs() async throws {
        #if os(Linux)
            let total = 40_000
            let world = try await Sandbox.running().world([
                "syncs": .int(total), "limit": ["requests": 100_000, "seconds": 10],
            ])
            let client = try world.client { $0.limit = RateLimit(requests: 100_000, per: .seconds(10)) }
            var (count, early) = (0, 0)
            for try await sync in client.syncs.list() {
                count += 1
                XCTAssertEqual(sync.id, count)
                if count == total / 10 { early = try resident() }
            }
            XCTAssertEqual(count, total)
            // The pages after the first tenth of the list are 44 MB of JSON. If each page is released after use, the
            // process grows by far less than 16 MB.
            let grown = try resident() - early
            XCTAssertLessThan(grown, 16_000_000, "memory has grown by \(grown) bytes")
        #else
            throw XCTSkip("resident memory is read from /proc")
        #endif
    }

    /// The resident memory of this process in bytes.
    private func resident() throws -> Int {
        let pages = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")[1]
        return try XCTUnwrap(Int(pages)) * 4096
    }
}
