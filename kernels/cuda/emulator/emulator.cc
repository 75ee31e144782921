#include "kernels/cuda/emulator/emulator.hh"

extern "C" {
#include "kernels/cuda/emulator/recording.h"
}

#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

dim3 threadIdx, blockIdx, blockDim, gridDim;

#ifdef __x86_64__
/* Keeps what the System V ABI wants kept on the stack that is left, and goes on where `to` stopped. swapcontext does the
 * same with two system calls each time, which is what an emulated kernel would then take its time for. */
extern "C" void emulator_change_stack(void **from, void *to);
__asm__(".text\n"
        ".hidden emulator_change_stack\n"
        ".globl emulator_change_stack\n"
        "emulator_change_stack:\n"
        "push %rbp\npush %rbx\npush %r12\npush %r13\npush %r14\npush %r15\n"
        "mov %rsp, (%rdi)\n"
        "mov %rsi, %rsp\n"
        "pop %r15\npop %r14\npop %r13\npop %r12\npop %rbx\npop %rbp\n"
        "ret\n");
#endif

namespace {

const int threads_max = 1024, warp = 32;
const size_t stack_bytes = 64 << 10;

enum state { READY, AT_BARRIER, AT_SHUFFLE, ENDED };

/* A stack, and where its owner stopped. Fibers are made once and serve every block. */
struct fiber {
    ucontext_t context; /* elsewhere than on x86-64 */
    void *top;          /* of its stack, where it stopped */
    char *stack;
    state where;
    uint64_t value;
};

fiber fibers[threads_max], scheduler;
int running, count;
bool may_wait;
unsigned launches;
void (*entry)(void *);
void *entry_context;

/* Kernels that have run; each place that launches one has an entry of its own. */
void (*known[512])(void *);
int n_known;

bool has_run(void (*call)(void *))
{
    for (int i = 0; i < n_known; i++)
        if (known[i] == call)
            return true;
    if (!emulator_recording && n_known < (int)(sizeof known / sizeof *known))
        known[n_known++] = call;
    return false;
}

void change(fiber *from, fiber *to)
{
#ifdef __x86_64__
    emulator_change_stack(&from->top, to->top);
#else
    swapcontext(&from->context, &to->context);
#endif
}

/* A fiber's life. */
void live()
{
    for (;;) {
        fiber *self = &fibers[running];
        entry(entry_context);
        self->where = ENDED;
        change(self, &scheduler);
    }
}

void resume(fiber *f)
{
    if (!f->stack) {
        f->stack = static_cast<char *>(malloc(stack_bytes));
        if (!f->stack) {
            fprintf(stderr, "the emulator is out of memory\n");
            abort();
        }
#ifdef __x86_64__
        void **top = reinterpret_cast<void **>(reinterpret_cast<uintptr_t>(f->stack + stack_bytes) / 16 * 16);
        *--top = nullptr; /* as if live() had been called */
        *--top = reinterpret_cast<void *>(live);
        f->top = top - 6; /* six registers, of no matter what */
#else
        getcontext(&f->context);
        f->context.uc_stack.ss_sp = f->stack;
        f->context.uc_stack.ss_size = stack_bytes;
        f->context.uc_link = nullptr;
        makecontext(&f->context, live, 0);
#endif
    }
    change(&scheduler, f);
}

void wait(state where)
{
    fiber *self = &fibers[running];
    if (!may_wait) {
        fprintf(stderr, "a kernel that was launched as one whose threads never wait has a barrier or a shuffle\n");
        abort();
    }
    self->where = where;
    change(self, &scheduler);
}

void set_thread(int index)
{
    running = index;
    threadIdx = dim3((unsigned)index % blockDim.x, (unsigned)index / blockDim.x % blockDim.y,
                     (unsigned)index / blockDim.x / blockDim.y);
}

/* All fibers in [first, end) that have not ended are at `where`: they may go on. */
bool release(int first, int end, state where)
{
    bool any = false;
    for (int i = first; i < end; i++) {
        if (fibers[i].where != where && fibers[i].where != ENDED)
            return false;
        any |= fibers[i].where == where;
    }
    for (int i = first; any && i < end; i++)
        if (fibers[i].where == where)
            fibers[i].where = READY;
    return any;
}

void run_alone()
{
    for (int k = 0; k < count; k++) {
        set_thread(launches % 2 ? count - 1 - k : k);
        entry(entry_context);
    }
}

void run_block()
{
    for (int i = 0; i < count; i++)
        fibers[i].where = READY;
    for (;;) {
        bool ran = false;
        for (int k = 0; k < count; k++) {
            int i = launches % 2 ? count - 1 - k : k;
            if (fibers[i].where != READY)
                continue;
            set_thread(i);
            resume(&fibers[i]);
            ran = true;
        }
        bool released = release(0, count, AT_BARRIER);
        for (int first = 0; first < count; first += warp)
            released |= release(first, first + warp < count ? first + warp : count, AT_SHUFFLE);
        if (!ran && !released)
            break;
    }
    for (int i = 0; i < count; i++)
        if (fibers[i].where != ENDED) {
            fprintf(stderr, "a kernel waits forever: thread %d is at a %s that others do not reach\n", i,
                    fibers[i].where == AT_BARRIER ? "barrier" : "shuffle");
            abort();
        }
}

} // namespace

void emulator_barrier(void)
{
    wait(AT_BARRIER);
}

uint64_t emulator_shuffle_xor(uint64_t value, int mask)
{
    int self = running;
    fibers[self].value = value;
    wait(AT_SHUFFLE);
    uint64_t other = fibers[self ^ mask].value;
    wait(AT_SHUFFLE); /* nobody overwrites its value before all have read */
    return other;
}

static void tell(const char *kernel)
{
    const char *path = getenv("CUDA_EMULATED_LAUNCHES");
    FILE *file = path ? fopen(path, "ae") : nullptr;
    if (file) {
        fprintf(file, "%s\n", kernel);
        fclose(file);
    }
}

void emulator_launch(const char *kernel, dim3 grid, dim3 block, bool alone, void (*call)(void *), void *context)
{
    count = (int)(block.x * block.y * block.z);
    if (count < 1 || count > threads_max || grid.x < 1 || grid.y < 1 || grid.y > 65535) {
        fprintf(stderr, "a launch of %u x %u blocks of %d threads: impossible\n", grid.x, grid.y, count);
        abort();
    }
    bool loaded = has_run(call);
    if (emulator_recording && !loaded) {
        fprintf(stderr, "a kernel is launched for the first time while a recording is made: the GPU would have to load it\n");
        abort();
    }
    if (emulator_recording)
        return;
    if (!loaded)
        tell(kernel);
    gridDim = grid;
    blockDim = block;
    entry = call;
    may_wait = !alone;
    entry_context = context;
    for (unsigned y = 0; y < grid.y; y++)
        for (unsigned x = 0; x < grid.x; x++) {
            blockIdx = dim3(x, y, 0);
            if (alone)
                run_alone();
            else
                run_block();
        }
    launches++;
}
