import Foundation
import XCTest

#if canImport(Glibc)
    import Glibc
    private let streamSocket = Int32(SOCK_STREAM.rawValue)
#else
    import Darwin
    private let streamSocket = SOCK_STREAM
#endif

/// A socket on loopback that takes connections and says nothing.
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

    func accept() throws -> Connection {
        let connection = Foundation.accept(socket, nil, nil)
        XCTAssertGreaterThanOrEqual(connection, 0)
        return Connection(socket: connection)
    }

    final class Connection: Sendable {
        private let socket: Int32

        fileprivate init(socket: Int32) { self.socket = socket }

        deinit { close(socket) }

        /// Returns when the other side has closed, in whatever manner.
        func readToEnd() throws {
            var buffer = [UInt8](repeating: 0, count: 4096)
            while read(socket, &buffer, buffer.count) > 0 {}
        }
    }
}
