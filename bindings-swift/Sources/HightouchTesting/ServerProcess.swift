#if os(macOS) || os(Linux)
    import Foundation

    /// A sandbox process that this process started.
    final class ServerProcess: Sendable {
        /// The first line that the program prints.
        struct Started: Decodable {
            let httpUrl: String
            let ca: String
        }

        let started: Started
        /// The program ends when this pipe closes. The kernel closes the pipe if this process is killed.
        private let input: FileHandle
        private let ended: AsyncStream<Never>

        init(_ program: String, arguments: [String]) async throws {
            let process = Process()
            let (stdin, stdout) = (Pipe(), Pipe())
            process.executableURL = URL(fileURLWithPath: program)
            process.arguments = ["--exit-with-stdin"] + arguments
            process.standardInput = stdin
            process.standardOutput = stdout
            let (ended, ending) = AsyncStream.makeStream(of: Never.self)
            process.terminationHandler = { _ in ending.finish() }
            do {
                try process.run()
            } catch {
                throw SandboxError("The sandbox did not start: \(program) cannot be run. \(error.localizedDescription)")
            }
            let line = await Self.line(stdout.fileHandleForReading)
            guard let started = try? JSONDecoder().decode(Started.self, from: line) else {
                try? stdin.fileHandleForWriting.close()
                throw SandboxError("The sandbox did not start: \(program) printed no address.")
            }
            self.started = started
            self.ended = ended
            input = stdin.fileHandleForWriting
        }

        /// Reads the first line, in a new thread, because the program may take a while to print the line.
        private static func line(_ output: FileHandle) async -> Data {
            await withCheckedContinuation { continuation in
                Thread.detachNewThread {
                    var line = Data()
                    while !line.contains(UInt8(ascii: "\n")) {
                        let part = output.availableData
                        if part.isEmpty { break }
                        line += part
                    }
                    continuation.resume(returning: line)
                }
            }
        }

        func close() async {
            try? input.close()
            for await _ in ended {}
        }
    }
#endif
