/// Makes the calls of the generated methods: one function for each kind of result.
extension Door {
    func value<Value: Decodable>(_ op: String, _ arguments: Fields, _ options: CallOptions) async throws -> Value {
        try await call(op, arguments, options.fields).value()
    }

    func nothing(_ op: String, _ arguments: Fields, _ options: CallOptions) async throws {
        _ = try await call(op, arguments, options.fields)
    }

    func run<State: RunState>(
        _ op: String, _ arguments: Fields, _ options: CallOptions
    ) async throws -> RunHandle<State> {
        try RunHandle(try await call(op, arguments, options.fields).value(), door: self)
    }

    func latestRun<State: RunState>(
        _ op: String, _ arguments: Fields, _ options: CallOptions
    ) async throws -> RunHandle<State>? {
        try handle(of: try await call(op, arguments, options.fields))
    }

    func list<Element>(_ op: String, _ arguments: Fields, _ options: CallOptions) -> PagedSequence<Element> {
        PagedSequence(
            door: self, op: op, arguments: arguments, options: options, parent: arguments.parent)
    }

    func rawValue<Value: Decodable>(
        _ op: String, _ arguments: Fields, _ options: CallOptions
    ) async throws -> RawResponse<Value> {
        try await raw(op, arguments, options) { try $0.value() }
    }

    func rawNothing(_ op: String, _ arguments: Fields, _ options: CallOptions) async throws -> RawResponse<Void> {
        try await raw(op, arguments, options) { _ in }
    }

    func rawRun<State: RunState>(
        _ op: String, _ arguments: Fields, _ options: CallOptions
    ) async throws -> RawResponse<RunHandle<State>> {
        try await raw(op, arguments, options) { [self] in try RunHandle(try $0.value(), door: self) }
    }

    func rawLatestRun<State: RunState>(
        _ op: String, _ arguments: Fields, _ options: CallOptions
    ) async throws -> RawResponse<RunHandle<State>?> {
        try await raw(op, arguments, options) { [self] in try handle(of: $0) }
    }

    /// Returns the handle of the run that a response contains; nil if the response contains no run.
    private func handle<State: RunState>(of response: Response) throws -> RunHandle<State>? {
        try response.value(as: OpenedRun?.self).map { try RunHandle($0, door: self) }
    }

    private func raw<Value>(
        _ op: String, _ arguments: Fields, _ options: CallOptions, read: @escaping @Sendable (Response) throws -> Value
    ) async throws -> RawResponse<Value> {
        var fields = options.fields
        fields.set("raw", true)
        let response = try await call(op, arguments, fields)
        guard let answer = response.head.answer else {
            throw HightouchError(.internal, "The core returned a raw response without its HTTP status.")
        }
        return RawResponse(
            status: answer.status, headers: answer.headers, body: response.body, meta: response.head.meta,
            response: response, read: read)
    }
}
