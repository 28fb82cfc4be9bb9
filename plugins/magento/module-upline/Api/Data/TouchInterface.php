<?php

declare(strict_types=1);

namespace Upline\Commission\Api\Data;

/**
 * A visit by a share link.
 *
 * @api
 */
interface TouchInterface
{
    /**
     * Code.
     *
     * @return string
     */
    public function getReference(): string;

    /**
     * When, RFC 3339.
     *
     * @return string
     */
    public function getAt(): string;

    /**
     * Where it began.
     *
     * @return string
     */
    public function getPath(): string;
}
