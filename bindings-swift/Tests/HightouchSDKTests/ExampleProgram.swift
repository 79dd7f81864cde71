import Foundation

@testable import HightouchSDK

/// A program of bindings-swift/Examples that a page of the documentation shows.
struct ExampleProgram {
    /// The name of the program's folder, and of its product in Package.swift.
    let name: String
    /// The path of the page from the root of the repository.
    let page: String

    /// Whether the page shows the program as it is.
    func isDocumented() throws -> Bool {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let program = try String(
            contentsOf: root.appendingPathComponent("bindings-swift/Examples/\(name)/main.swift"), encoding: .utf8)
        let page = try String(contentsOf: root.appendingPathComponent(page), encoding: .utf8)
        return page.contains("```swift\n\(program)```\n")
    }

    /// Starts the program with the variables that name a world. Returns the process and its standard output.
    func start(_ world: World, in folder: URL? = nil) throws -> (Process, Pipe) {
        let (program, output) = (Process(), Pipe())
        program.executableURL = URL(fileURLWithPath: CommandLine.arguments[0])
            .deletingLastPathComponent().appendingPathComponent(name)
        program.environment = ProcessInfo.processInfo.environment.merging([
            "HIGHTOUCH_API_KEY": try world.text("apiKey"), "HIGHTOUCH_BASE_URL": try world.text("httpBaseUrl"),
        ]) { $1 }
        program.currentDirectoryURL = folder ?? program.currentDirectoryURL
        program.standardOutput = output
        try program.run()
        return (program, output)
    }
}
