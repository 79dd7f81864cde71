import Foundation
import XCTest

#if canImport(Glibc)
    import Glibc
    private let streamSocket = Int32(SOCK_STREAM.rawValue)
#else
    import Darwin
    private let streamSocket = SOCK_STREAM
#endif

/// Runs blocking work on a thread of its own, because such work could block every thread of the task pool. If the task
/// is cancelled, the socket is shut down, which ends the work. So a test that has failed does not wait for the work.
private func blocking<Value: Sendable>(
    on socket: Int32, _ work: @escaping @Sendable () throws -> Value
) async throws -> Value {
    try await withTaskCancellationHandler {
        try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
        }
    } onCancel: {
        _ = shutdown(socket, Int32(SHUT_RDWR))
    }
}

/// A socket on loopback that accepts connections. It sends nothing unless a test calls `answer`.
final class Listener: Sendable {
    private let socket: Int32
    let port: UInt16

    init() throws {
        socket = Foundation.socket(AF_INET, streamSocket, 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let socket = socket
        let bound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(socket, $0, length) == 0 && listen(socket, 1) == 0 && getsockname(socket, $0, &length) == 0
            }
        }
        XCTAssert(bound, "no socket on loopback")
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(socket) }

    func accept() async throws -> Connection {
        try await blocking(on: socket) { [self] in
            let connection = Foundation.accept(socket, nil, nil)
            guard connection >= 0 else { throw TestFailure(description: "no connection: errno \(errno)") }
            return Connection(socket: connection)
        }
    }

    final class Connection: Sendable {
        private let socket: Int32

        fileprivate init(socket: Int32) { self.socket = socket }

        deinit { close(socket) }

        /// Reads one HTTP/1.1 request, responds with JSON and returns the body of the request.
        func answer(_ json: String) async throws -> String {
            try await blocking(on: socket) { [self] in try answered(json) }
        }

        private func answered(_ json: String) throws -> String {
            var (request, buffer) = (Data(), [UInt8](repeating: 0, count: 65_536))
            let end = Data("\r\n\r\n".utf8)
            while true {
                if let head = request.range(of: end) {
                    let lines = String(decoding: request[..<head.lowerBound], as: UTF8.self).lowercased().split(
                        separator: "\r\n")
                    let length = lines.first { $0.hasPrefix("content-length:") }?.split(separator: " ").last.flatMap {
                        Int($0)
                    }
                    let body = request[head.upperBound...]
                    if body.count >= length ?? 0 {
                        let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                        let answer = Array("\(head)Content-Length: \(json.utf8.count)\r\n\r\n\(json)".utf8)
                        XCTAssertEqual(write(socket, answer, answer.count), answer.count)
                        return String(decoding: body, as: UTF8.self)
                    }
                }
                let count = read(socket, &buffer, buffer.count)
                guard count > 0 else { throw TestFailure(description: "the other side has closed") }
                request.append(contentsOf: buffer[..<count])
            }
        }

        /// Returns when the other side has closed or reset the connection.
        func readToEnd() async throws {
            try await blocking(on: socket) { [self] in
                var buffer = [UInt8](repeating: 0, count: 4096)
                while read(socket, &buffer, buffer.count) > 0 {}
            }
        }
    }
}
