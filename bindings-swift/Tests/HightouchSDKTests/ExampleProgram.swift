import Foundation
import XCTest

@testable import HightouchSDK

/// A program of bindings-swift/Examples that a page of the documentation shows.
struct ExampleProgram {
    /// The name of the program's folder, and of its product in Package.swift.
    let name: String
    /// The path of the page from the root of the repository.
    let page: String

    /// Whether the page shows the program unchanged.
    func isDocumented() throws -> Bool {
        let root = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let program = try String(
            contentsOf: root.appendingPathComponent("bindings-swift/Examples/\(name)/main.swift"), encoding: .utf8)
        let page = try String(contentsOf: root.appendingPathComponent(page), encoding: .utf8)
        return page.contains("```swift\n\(program)```\n")
    }

    /// Starts the program with the environment variables that name a world. Returns the process and its standard
    /// output.
    func start(_ world: World, in folder: URL? = nil) throws -> (Process, Pipe) {
        let (program, output) = (try process(world, in: folder), Pipe())
        program.standardOutput = output
        try program.run()
        return (program, output)
    }

    /// Runs the program in a process that may have at most `files` files open. Returns the standard error of the
    /// program.
    func errors(_ world: World, files: Int) throws -> String {
        let (program, output) = (try process(world, in: nil), Pipe())
        program.arguments = ["-c", "ulimit -n \(files) && exec \"$0\"", try XCTUnwrap(program.executableURL?.path)]
        program.executableURL = URL(fileURLWithPath: "/bin/sh")
        program.environment?["SWIFT_BACKTRACE"] = "enable=no"
        program.standardError = output
        try program.run()
        defer { program.waitUntilExit() }
        return String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    }

    /// The program or bundle of the tests, which is in the folder of the built programs. On macOS, a program of Xcode
    /// loads the bundle.
    private var built: URL {
        #if os(Linux)
            URL(fileURLWithPath: CommandLine.arguments[0])
        #else
            Bundle(for: ExampleTestCase.self).bundleURL
        #endif
    }

    private func process(_ world: World, in folder: URL?) throws -> Process {
        let program = Process()
        program.executableURL = built.deletingLastPathComponent().appendingPathComponent(name)
        program.environment = ProcessInfo.processInfo.environment.merging([
            "HIGHTOUCH_API_KEY": try world.text("apiKey"), "HIGHTOUCH_BASE_URL": try world.text("httpBaseUrl"),
        ]) { $1 }
        program.currentDirectoryURL = folder ?? program.currentDirectoryURL
        return program
    }
}
