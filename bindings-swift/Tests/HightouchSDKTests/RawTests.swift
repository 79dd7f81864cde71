import Foundation
import XCTest

@testable import HightouchSDK

/// What `withRawResponse` has beside each method.
final class RawTests: XCTestCase {
    func testEachOperationsRawAnswerParsesToWhatItsMethodGivesOrThrows() async throws {
        var called: Set<String> = []
        let files = try FileManager.default.contentsOfDirectory(atPath: scenarios().path).sorted()
        for id in files.filter({ $0.hasPrefix("operation-") }).map({ $0.replacingOccurrences(of: ".json", with: "") }) {
            let scenario = try scenario(id)
            let world = try await Sandbox.running().world(scenario["world"] ?? [:])
            var player = try Player(scenario: scenario, world: world, isRaw: true)
            do {
                try await player.play()
            } catch {
                XCTFail("\(id): \(error)")
            }
            called.formUnion((scenario["steps"]?.array ?? []).compactMap { $0["call"]?.string })
            try await world.delete()
        }
        XCTAssertEqual(Set(allOperations).subtracting(called), [], "no scenario has them")
    }
}
