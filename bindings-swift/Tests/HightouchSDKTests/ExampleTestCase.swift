import Foundation
import XCTest

/// Runs each example in a workspace and a folder of its own. The example finds the workspace through environment
/// variables, as the program of a user does.
class ExampleTestCase: XCTestCase {
    override func setUp() async throws {
        let files = FileManager.default
        let (before, folder) = (
            files.currentDirectoryPath, files.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        )
        try files.createDirectory(at: folder, withIntermediateDirectories: true)
        _ = files.changeCurrentDirectoryPath(folder.path)
        addTeardownBlock {
            _ = FileManager.default.changeCurrentDirectoryPath(before)
            try FileManager.default.removeItem(at: folder)
        }
        let world = try await Sandbox.running().world([
            "syncs": 10, "slugs": ["orders-to-salesforce"], "runs": ["seconds": 1],
        ])
        // Some examples ignore signals. After the test, the process handles signals in the usual way again.
        addTeardownBlock { for number in [SIGTERM, SIGINT] { signal(number, SIG_DFL) } }
        // Some examples write a file to the folder for temporary files.
        for (name, value) in [
            "HIGHTOUCH_API_KEY": try world.text("apiKey"), "HIGHTOUCH_BASE_URL": try world.text("httpBaseUrl"),
            "TMPDIR": folder.path,
        ] {
            let previous = ProcessInfo.processInfo.environment[name]
            setenv(name, value, 1)
            addTeardownBlock {
                if let previous { setenv(name, previous, 1) } else { unsetenv(name) }
            }
        }
    }
}
