/* What is used of libxcb, libxcb-shm and the C library, for cffi: python tests/xcb_types.py
   writes xcbtypes.py from it, as reading this takes longer than all else at a start.

   Of the replies only the first fields are declared: they are always behind a pointer, and xcb
   made them. */

typedef struct { unsigned int sequence; } cookie_t;
typedef struct { const char *name; int global_id; } xcb_extension_t;
typedef struct { uint8_t response_type, error_code; uint16_t sequence; } error_t;
typedef struct { uint8_t response_type, depth; uint16_t sequence;
                 uint32_t length, visual, size; } image_reply_t;
typedef struct { uint8_t response_type, same_screen; uint16_t sequence;
                 uint32_t length, root, child; int16_t root_x, root_y; } pointer_reply_t;
typedef struct { uint8_t response_type, depth; uint16_t sequence; uint32_t length, root;
                 int16_t x, y; uint16_t width, height; } geometry_reply_t;
typedef struct { uint8_t response_type, shared_pixmaps; uint16_t sequence;
                 uint32_t length; uint16_t major_version, minor_version; } shm_version_t;
typedef struct { uint8_t response_type, pad0; uint16_t sequence; uint32_t length;
                 uint8_t present; } extension_t;

typedef struct { int name_length; char *name; int data_length; char *data; } auth_t;
void *xcb_connect_to_fd(int fd, auth_t *auth);
void xcb_disconnect(void *c);
int xcb_connection_has_error(void *c);
int xcb_get_file_descriptor(void *c);
void *xcb_poll_for_event(void *c);
void *xcb_poll_for_queued_event(void *c);
uint32_t xcb_generate_id(void *c);
const extension_t *xcb_get_extension_data(void *c, xcb_extension_t *extension);
error_t *xcb_request_check(void *c, cookie_t cookie);

typedef struct { void *base; size_t length; } iovec_t;
typedef struct { size_t count; void *extension; uint8_t opcode, is_void; } request_t;
typedef struct { uint8_t response_type, pad0; uint16_t sequence; uint32_t length; } reply_t;
unsigned int xcb_send_request(void *c, int flags, iovec_t *vector, const request_t *request);
reply_t *xcb_wait_for_reply(void *c, unsigned int request, error_t **error);

cookie_t xcb_query_pointer(void *c, uint32_t window);
pointer_reply_t *xcb_query_pointer_reply(void *c, cookie_t cookie, error_t **error);
cookie_t xcb_get_geometry(void *c, uint32_t drawable);
geometry_reply_t *xcb_get_geometry_reply(void *c, cookie_t cookie, error_t **error);

cookie_t xcb_get_image(void *c, uint8_t format, uint32_t drawable, int16_t x, int16_t y,
                       uint16_t width, uint16_t height, uint32_t plane_mask);
image_reply_t *xcb_get_image_reply(void *c, cookie_t cookie, error_t **error);
uint8_t *xcb_get_image_data(const image_reply_t *reply);
int xcb_get_image_data_length(const image_reply_t *reply);

cookie_t xcb_shm_query_version(void *c);
shm_version_t *xcb_shm_query_version_reply(void *c, cookie_t cookie, error_t **error);
cookie_t xcb_shm_attach_checked(void *c, uint32_t segment, uint32_t shmid, uint8_t read_only);
cookie_t xcb_shm_attach_fd_checked(void *c, uint32_t segment, int32_t fd, uint8_t read_only);
cookie_t xcb_shm_detach_checked(void *c, uint32_t segment);
cookie_t xcb_shm_get_image(void *c, uint32_t drawable, int16_t x, int16_t y, uint16_t width,
                           uint16_t height, uint32_t plane_mask, uint8_t format,
                           uint32_t segment, uint32_t offset);
image_reply_t *xcb_shm_get_image_reply(void *c, cookie_t cookie, error_t **error);
extern xcb_extension_t xcb_shm_id;

/* The C library's: free(3), shmget(2) and what goes with it. */

void free(void *p);
int shmget(int key, size_t size, int flags);
void *shmat(int shmid, const void *address, int flags);
int shmdt(const void *address);
int shmctl(int shmid, int command, void *buffer);
