//! Lets the event loop of a JavaScript thread do the I/O. libuv, the event loop of Node.js, watches the descriptor of
//! the core, and then calls a function of this module.
//!
//! Node.js exports the functions of libuv to addons. They are looked up by name at run time, because other runtimes
//! lack them, and because Windows has no such descriptor.
#![allow(unsafe_code, reason = "libuv and Node-API are interfaces in C")]

use std::cell::{Cell, RefCell, UnsafeCell};
use std::ffi::{CStr, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr::null_mut;
use std::rc::Rc;
use std::sync::OnceLock;

use napi::bindgen_prelude::{FnArgs, FunctionRef, JsValue as _, ToNapiValue};
use napi::{Env, Result, check_status, sys};

/// `UV_POLL` of `uv_handle_type`, and `UV_READABLE` of `uv_poll_event`.
const POLL: c_int = 8;
const READABLE: c_int = 1;

type Handle = *mut c_void;
type Ready = unsafe extern "C" fn(Handle, c_int, c_int);
type Closed = unsafe extern "C" fn(Handle);

/// The functions of libuv that this module calls.
struct Uv {
    handle_size: unsafe extern "C" fn(c_int) -> usize,
    handle_get_data: unsafe extern "C" fn(Handle) -> *mut c_void,
    handle_set_data: unsafe extern "C" fn(Handle, *mut c_void),
    poll_init: unsafe extern "C" fn(*mut sys::uv_loop_s, Handle, c_int) -> c_int,
    poll_start: unsafe extern "C" fn(Handle, c_int, Ready) -> c_int,
    close: unsafe extern "C" fn(Handle, Closed),
    unref: unsafe extern "C" fn(Handle),
}

impl Uv {
    /// Returns `None` if this runtime does not export the functions.
    fn find() -> Option<&'static Self> {
        static FOUND: OnceLock<Option<Uv>> = OnceLock::new();
        FOUND.get_or_init(Self::load).as_ref()
    }

    fn load() -> Option<Self> {
        /// # Safety
        /// `F` must be the type of the function with this name.
        unsafe fn named<F: Copy>(name: &CStr) -> Option<F> {
            // SAFETY: `dlsym` only reads the name.
            let found = unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) };
            // SAFETY: a function pointer has the size of a data pointer here, and the caller vouches for the type.
            (!found.is_null()).then(|| unsafe { std::mem::transmute_copy(&found) })
        }
        // SAFETY: these are the types that uv.h declares since libuv 1.19, which is older than Node.js 20.
        unsafe {
            Some(Self {
                handle_size: named(c"uv_handle_size")?,
                handle_get_data: named(c"uv_handle_get_data")?,
                handle_set_data: named(c"uv_handle_set_data")?,
                poll_init: named(c"uv_poll_init")?,
                poll_start: named(c"uv_poll_start")?,
                close: named(c"uv_close")?,
                unref: named(c"uv_unref")?,
            })
        }
    }
}

/// Watches a descriptor with the event loop of this thread, until this value is dropped.
pub(crate) struct Watched(Rc<State>);

struct State {
    uv: &'static Uv,
    /// The memory of libuv's handle. The handle holds a reference to the state until libuv has closed the handle.
    handle: UnsafeCell<Box<[usize]>>,
    is_open: Cell<bool>,
    /// Keeps Node.js from ending the environment before the handle is closed.
    hook: Cell<sys::napi_async_cleanup_hook_handle>,
    on_ready: RefCell<Option<Box<dyn Fn()>>>,
}

impl Watched {
    /// Calls `on_ready` whenever the descriptor is readable, on this thread and outside of JavaScript. Returns `None` if
    /// the event loop of this runtime cannot watch a descriptor.
    pub(crate) fn new(env: &Env, descriptor: c_int, on_ready: impl Fn() + 'static) -> Option<Self> {
        let uv = Uv::find()?;
        let mut event_loop = null_mut();
        // SAFETY: `env` is the environment of this thread.
        let found = unsafe { sys::napi_get_uv_event_loop(env.raw(), &raw mut event_loop) };
        if found != sys::Status::napi_ok {
            return None;
        }
        // SAFETY: the function only returns a number.
        let size = unsafe { (uv.handle_size)(POLL) }.div_ceil(size_of::<usize>());
        let state = Rc::new(State {
            uv,
            handle: UnsafeCell::new(vec![0; size].into_boxed_slice()),
            is_open: Cell::new(true),
            hook: Cell::new(null_mut()),
            on_ready: RefCell::new(Some(Box::new(on_ready))),
        });
        // SAFETY: the handle has the size and the alignment that libuv asks for. `of_handle` keeps the state and thereby
        // the handle where it is, until `closed` takes it back.
        unsafe {
            if (uv.poll_init)(event_loop, state.handle(), descriptor) != 0 {
                return None;
            }
            let of_handle = Rc::into_raw(Rc::clone(&state)).cast_mut().cast();
            (uv.handle_set_data)(state.handle(), of_handle);
            (uv.unref)(state.handle());
            let mut hook = null_mut();
            sys::napi_add_async_cleanup_hook(env.raw(), Some(ends), of_handle, &raw mut hook);
            state.hook.set(hook);
            (uv.poll_start)(state.handle(), READABLE, ready);
        }
        Some(Self(state))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl State {
    fn handle(&self) -> Handle {
        // SAFETY: nothing in Rust refers to the contents of the box.
        unsafe { (*self.handle.get()).as_mut_ptr().cast() }
    }

    fn close(&self) {
        if self.is_open.replace(false) {
            // SAFETY: the handle is open, and belongs to the event loop of this thread.
            unsafe { (self.uv.close)(self.handle(), closed) };
        }
    }
}

/// Is called by libuv when the descriptor is readable.
unsafe extern "C" fn ready(handle: Handle, _status: c_int, _events: c_int) {
    let Some(uv) = Uv::find() else { return };
    // SAFETY: the data of an open handle is its state. `on_ready` may close the handle, but `closed` runs later.
    let state = unsafe { &*(uv.handle_get_data)(handle).cast::<State>() };
    // A panic must not cross into C.
    let _ = catch_unwind(AssertUnwindSafe(|| {
        if let Some(on_ready) = &*state.on_ready.borrow() {
            on_ready();
        }
    }));
}

/// Is called by libuv after the handle has been closed.
unsafe extern "C" fn closed(handle: Handle) {
    let Some(uv) = Uv::find() else { return };
    // SAFETY: this takes back the reference that the handle held.
    let state = unsafe { Rc::from_raw((uv.handle_get_data)(handle).cast::<State>()) };
    // What `on_ready` holds may refer to the environment, so it is dropped before the environment may end.
    state.on_ready.take();
    // SAFETY: the hook was added in `new`, and is removed only here.
    unsafe { sys::napi_remove_async_cleanup_hook(state.hook.get()) };
}

/// Is called by Node.js when the JavaScript thread ends.
unsafe extern "C" fn ends(_hook: sys::napi_async_cleanup_hook_handle, state: *mut c_void) {
    // SAFETY: the hook is removed before the handle's reference to the state is taken back.
    unsafe { &*state.cast::<State>() }.close();
}

/// Calls a JavaScript function from outside of JavaScript, with one argument. Then runs the microtasks, as after every
/// callback of Node.js.
pub(crate) fn call_back<T: ToNapiValue>(env: Env, function: &FunctionRef<FnArgs<(T,)>, ()>, argument: T) -> Result<()> {
    let env = env.raw();
    let mut scope = null_mut();
    // SAFETY: this is the thread of the environment, and every value lives in the scope.
    unsafe {
        check_status!(sys::napi_open_handle_scope(env, &raw mut scope))?;
        let called = (|| {
            let function = function.borrow_back(&Env::from_raw(env))?.raw();
            let argument = ToNapiValue::to_napi_value(env, argument)?;
            let (mut global, mut result) = (null_mut(), null_mut());
            check_status!(sys::napi_get_global(env, &raw mut global))?;
            check_status!(sys::napi_make_callback(env, null_mut(), global, function, 1, &raw const argument, &raw mut result))
        })();
        let mut thrown = null_mut();
        if called.is_err() && sys::napi_get_and_clear_last_exception(env, &raw mut thrown) == sys::Status::napi_ok {
            sys::napi_fatal_exception(env, thrown);
        }
        sys::napi_close_handle_scope(env, scope);
        called
    }
}
