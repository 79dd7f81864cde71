//! Lets the event loop of a JavaScript thread do the I/O. libuv, the event loop of Node.js, watches the descriptor of
//! the core, and then calls a function of this module.
//!
//! Node.js exports the functions of libuv to addons. They are looked up by name at run time, so that the addon also
//! loads in runtimes that lack them.
#![allow(unsafe_code, reason = "libuv and Node-API are interfaces in C")]

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int, c_uint, c_void};
use std::ops::Deref;
use std::os::fd::RawFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::{null_mut, slice_from_raw_parts_mut};
use std::rc::Rc;
use std::sync::OnceLock;

use napi::bindgen_prelude::{FunctionRef, JsValue as _, ToNapiValue};
use napi::{Env, check_status, sys};

/// `UV_POLL` of `uv_handle_type`, and two values of `uv_poll_event`.
const POLL: c_int = 8;
const READABLE: c_int = 1;
const DISCONNECT: c_int = 4;

type Handle = *mut c_void;
type OnEvent = unsafe extern "C" fn(Handle, c_int, c_int);
type OnClosed = unsafe extern "C" fn(Handle);

/// The functions of libuv that this module calls.
struct Uv {
    handle_size: unsafe extern "C" fn(c_int) -> usize,
    handle_get_data: unsafe extern "C" fn(Handle) -> *mut c_void,
    handle_set_data: unsafe extern "C" fn(Handle, *mut c_void),
    poll_init: unsafe extern "C" fn(*mut sys::uv_loop_s, Handle, c_int) -> c_int,
    poll_start: unsafe extern "C" fn(Handle, c_int, OnEvent) -> c_int,
    retain: unsafe extern "C" fn(Handle),
    release: unsafe extern "C" fn(Handle),
    close: unsafe extern "C" fn(Handle, OnClosed),
}

impl Uv {
    /// Returns `None` if this runtime does not export the functions of libuv 1.
    fn find() -> Option<&'static Self> {
        static FOUND: OnceLock<Option<Uv>> = OnceLock::new();
        FOUND.get_or_init(Self::load).as_ref()
    }

    fn load() -> Option<Self> {
        /// # Safety
        /// `F` must be the type of a pointer to the function with this name.
        unsafe fn named<F: Copy>(name: &CStr) -> Option<F> {
            // SAFETY: `dlsym` only reads the name.
            let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
            // SAFETY: pointers to functions and to data have the same size on Linux, and the caller vouches for the
            // type.
            (!found.is_null()).then(|| unsafe { std::mem::transmute_copy(&found) })
        }
        // SAFETY: uv.h has declared this type since libuv 0.11. The function only returns a number.
        let version = unsafe { named::<unsafe extern "C" fn() -> c_uint>(c"uv_version")?() };
        // Another major version may declare other types and numbers.
        if version >> 16 != 1 {
            return None;
        }
        // SAFETY: uv.h declares these types since libuv 1.19, and Node.js 20 has libuv 1.46. Where uv.h writes
        // `uv_handle_t *` or `uv_poll_t *`, this module writes `void *`.
        unsafe {
            Some(Self {
                handle_size: named(c"uv_handle_size")?,
                handle_get_data: named(c"uv_handle_get_data")?,
                handle_set_data: named(c"uv_handle_set_data")?,
                poll_init: named(c"uv_poll_init")?,
                poll_start: named(c"uv_poll_start")?,
                retain: named(c"uv_ref")?,
                release: named(c"uv_unref")?,
                close: named(c"uv_close")?,
            })
        }
    }
}

/// Watches a descriptor with the event loop of this thread. Dropping this value ends the watch.
pub(crate) struct Watched(Rc<Poll>);

/// A handle of libuv, and what belongs to it. It is used by one thread only. The handle holds a reference to this value
/// until libuv has closed the handle.
pub(crate) struct Poll {
    uv: &'static Uv,
    /// The handle, of type `uv_poll_t`. libuv uses its memory until the handle is closed, so nothing else refers to the
    /// memory. Null once the handle is closing, because a closing handle must not be used.
    handle: Cell<Handle>,
    /// How many numbers of type `usize` the memory of the handle consists of.
    size: usize,
    /// The event that libuv waits for. 0 until the handle is started.
    event: Cell<c_int>,
    /// The hook that keeps Node.js from destroying the event loop before the handle is closed. Null if the hook could
    /// not be added.
    hook: Cell<sys::napi_async_cleanup_hook_handle>,
    /// `None` once the handle is closed.
    on_ready: RefCell<Option<Rc<OnReady>>>,
}

type OnReady = dyn Fn(&Poll);

impl Watched {
    /// From [`start`](Poll::start) on, calls `on_ready` whenever the descriptor is readable, on this thread and outside
    /// of JavaScript. `on_ready` must keep the descriptor open. The watch does not keep the event loop alive. Returns
    /// `None` if the event loop of this runtime cannot watch the descriptor.
    pub(crate) fn new(env: Env, descriptor: RawFd, on_ready: impl Fn(&Poll) + 'static) -> Option<Self> {
        let uv = Uv::find()?;
        let event_loop = env.get_uv_event_loop().ok()?;
        // SAFETY: the function only returns a number.
        let size = unsafe { (uv.handle_size)(POLL) }.div_ceil(size_of::<usize>());
        let memory = Box::into_raw(vec![0_usize; size].into_boxed_slice());
        let handle: Handle = memory.cast();
        // SAFETY: the event loop belongs to this thread. The memory is large enough for a handle, and aligned for the
        // pointers and numbers of which it consists.
        if unsafe { (uv.poll_init)(event_loop, handle, descriptor) } != 0 {
            // SAFETY: the memory came from a box, and libuv does not use it after an error.
            drop(unsafe { Box::from_raw(memory) });
            return None;
        }
        let watched = Self(Rc::new(Poll {
            uv,
            handle: Cell::new(handle),
            size,
            event: Cell::new(0),
            hook: Cell::new(null_mut()),
            on_ready: RefCell::new(Some(Rc::new(on_ready))),
        }));
        let poll = Rc::into_raw(Rc::clone(&watched.0)).cast_mut().cast();
        let mut hook = null_mut();
        // SAFETY: the handle is open, and `closed` takes this reference back. Until then, the pointer is valid for the
        // hook too, because `closed` removes the hook first.
        let added = unsafe {
            (uv.handle_set_data)(handle, poll);
            (uv.release)(handle);
            sys::napi_add_async_cleanup_hook(env.raw(), Some(end), poll, &raw mut hook)
        };
        if added != sys::Status::napi_ok {
            return None;
        }
        watched.hook.set(hook);
        watched.pause();
        Some(watched)
    }
}

impl Deref for Watched {
    type Target = Poll;

    fn deref(&self) -> &Poll {
        &self.0
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.close();
    }
}

impl Poll {
    /// Watches the descriptor until [`pause`](Self::pause) is called.
    pub(crate) fn start(&self) {
        self.wait_for(READABLE);
    }

    /// Stops watching the descriptor until [`start`](Self::start) is called. The handle stays active, so that it can
    /// keep the event loop alive: it waits for an event that a descriptor of epoll(7) never has.
    pub(crate) fn pause(&self) {
        self.wait_for(DISCONNECT);
    }

    fn wait_for(&self, event: c_int) {
        let handle = self.handle.get();
        if !handle.is_null() && self.event.replace(event) != event {
            // SAFETY: the handle is open. libuv returns an error only for a handle that is closing.
            unsafe { (self.uv.poll_start)(handle, event, ready) };
        }
    }

    /// Sets whether the watch keeps the event loop alive, even while it is paused.
    pub(crate) fn keep_alive(&self, keeps: bool) {
        let handle = self.handle.get();
        if !handle.is_null() {
            let change = if keeps { self.uv.retain } else { self.uv.release };
            // SAFETY: the handle is open.
            unsafe { change(handle) };
        }
    }

    fn close(&self) {
        let handle = self.handle.replace(null_mut());
        if !handle.is_null() {
            // SAFETY: the handle is open, and belongs to the event loop of this thread.
            unsafe { (self.uv.close)(handle, closed) };
        }
    }
}

/// libuv calls this function when the descriptor is readable.
unsafe extern "C" fn ready(handle: Handle, _status: c_int, _events: c_int) {
    let Some(uv) = Uv::find() else { return };
    let poll = unsafe {
        // SAFETY: the data of an open handle points to its `Poll`, of which the handle owns one reference.
        let poll = (uv.handle_get_data)(handle).cast::<Poll>().cast_const();
        // SAFETY: as above. `on_ready` may run the event loop, which may close the handle. So this function needs a
        // reference of its own.
        Rc::increment_strong_count(poll);
        // SAFETY: this is the reference that was counted above.
        Rc::from_raw(poll)
    };
    let on_ready = poll.on_ready.borrow().clone();
    // A panic must not cross into C.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(on_ready) = on_ready {
            on_ready(&poll);
        }
    }));
}

/// libuv calls this function after it has closed the handle. From then on, libuv does not use the handle.
unsafe extern "C" fn closed(handle: Handle) {
    let Some(uv) = Uv::find() else { return };
    // SAFETY: this takes back the reference that the handle owned. Nothing else takes it.
    let poll = unsafe { Rc::from_raw((uv.handle_get_data)(handle).cast::<Poll>().cast_const()) };
    // SAFETY: the memory came from a box of this size, and nothing refers to it any more.
    drop(unsafe { Box::from_raw(slice_from_raw_parts_mut(handle.cast::<usize>(), poll.size)) });
    // `on_ready` may hold values of the JavaScript environment, so it is dropped first: Node.js may destroy the
    // environment once the hook is removed.
    drop(poll.on_ready.take());
    let hook = poll.hook.get();
    if !hook.is_null() {
        // SAFETY: the hook was added in `new`, and only this function removes it.
        unsafe { sys::napi_remove_async_cleanup_hook(hook) };
    }
}

/// Node.js calls this function when the JavaScript thread ends. Then it runs the event loop until the hook is removed.
unsafe extern "C" fn end(_hook: sys::napi_async_cleanup_hook_handle, poll: *mut c_void) {
    // SAFETY: `closed` removes the hook before it drops the reference of the handle.
    unsafe { &*poll.cast::<Poll>() }.close();
}

/// Calls a JavaScript function from outside of JavaScript, and then runs the microtasks, as Node.js does after each of
/// its callbacks. An exception becomes an uncaught exception of the process.
pub(crate) fn call_back(env: Env, function: &FunctionRef<(), ()>, argument: impl ToNapiValue) {
    // Each step fails if the JavaScript thread is ending. In this case, nothing waits for the call.
    let _ = env.run_in_scope(|| {
        let function = function.borrow_back(&env)?.raw();
        // There is no async context, because the results belong to several calls. The promise of each call keeps the
        // context of its caller. The function is also its own receiver. Node.js uses the receiver as the resource of
        // the context and, if the module `domain` is in use, reads its property `domain`. The function has no such
        // property; the global object may.
        let (context, mut result) = (null_mut(), null_mut());
        // SAFETY: this is the thread of the environment, and the values live in the scope.
        let called = unsafe {
            let argument = ToNapiValue::to_napi_value(env.raw(), argument)?;
            sys::napi_make_callback(
                env.raw(),
                context,
                function,
                function,
                1,
                &raw const argument,
                &raw mut result,
            )
        };
        if called != sys::Status::napi_pending_exception {
            return check_status!(called);
        }
        let mut exception = null_mut();
        // SAFETY: this is the thread of the environment, and the exception lives in the scope.
        unsafe {
            check_status!(sys::napi_get_and_clear_last_exception(env.raw(), &raw mut exception))?;
            check_status!(sys::napi_fatal_exception(env.raw(), exception))
        }
    });
}
