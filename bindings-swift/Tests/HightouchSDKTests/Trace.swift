import Foundation
import XCTest

@testable import HightouchSDK

/// Records every text that the package shows to a user. tests/house/canary then searches the records for API keys. Each
/// line is a JSON object with the members `player`, `what` and `text`.
enum Trace {
    /// The folder of the records; nil if recording is off.
    private static let folder = ProcessInfo.processInfo.environment["HIGHTOUCH_TRACE"].map {
        URL(fileURLWithPath: $0, isDirectory: true)
    }
    private static let lock = NSLock()

    /// Records everything that a user can see of a value: its descriptions, its mirror and its JSON.
    static func note(_ what: String, _ value: Any, _ more: String?...) {
        guard let folder else { return }
        var dumped = ""
        dump(value, to: &dumped)
        var texts = more.compactMap { $0 } + ["\(value)", String(reflecting: value), dumped]
        do {
            if let value = value as? any Encodable {
                texts.append(String(decoding: try JSONEncoder().encode(value), as: UTF8.self))
            }
            try append(["player": "swift", "what": what, "text": texts.joined(separator: " ")], in: folder)
        } catch {
            XCTFail("the record cannot be written: \(error)")
        }
    }

    /// Records an error and its properties.
    static func note(error: any Error) {
        let failure = error as? HightouchError
        let runs: [Any?] = [failure?.syncRun, failure?.sequenceRun, failure?.identityGraphRun]
        note(
            "error", error, error.localizedDescription, failure?.hint, failure?.details?.text,
            failure?.causes.joined(separator: " "), "\(runs)")
    }

    /// Records a handle and the content of its token.
    static func note<State>(run: RunHandle<State>) {
        let base64 = run.token.replacingOccurrences(of: "-", with: "+").replacingOccurrences(of: "_", with: "/")
        let padded = base64 + String(repeating: "=", count: (4 - base64.count % 4) % 4)
        guard let said = Data(base64Encoded: padded) else { return XCTFail("no base64url: \(run.token)") }
        note("run", run, run.token, String(decoding: said, as: UTF8.self))
    }

    /// Records a raw response without its body. The body may contain an API key, because the package returns the bytes
    /// of the server unchanged.
    static func note<Value>(raw response: RawResponse<Value>) {
        note("raw", response.meta, "\(response)", "\(response.headers)")
    }

    /// Hooks that record their events; no hooks if recording is off.
    static var hooks: Hooks {
        folder == nil ? Hooks() : Hooks(onStart: { note("hook", $0) }, onEnd: { note("hook", $0) })
    }

    private static func append(_ record: [String: String], in folder: URL) throws {
        let path = folder.appendingPathComponent("swift-\(ProcessInfo.processInfo.processIdentifier).jsonl").path
        let line = try JSONEncoder().encode(record) + Data("\n".utf8)
        try lock.withLock {
            if !FileManager.default.fileExists(atPath: path) {
                try Data().write(to: URL(fileURLWithPath: path))
            }
            let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
            defer { file.closeFile() }
            try file.seekToEnd()
            try file.write(contentsOf: line)
        }
    }
}
