<?php

declare(strict_types=1);

namespace Upline\Commission\Api;

/**
 * The reference of a guest's cart, for headless shops. Whoever knows the masked id of a cart may change that cart.
 *
 * @api
 */
interface GuestCartReferenceInterface
{
    /**
     * Keeps by whose recommendation the cart is; empty takes it back.
     *
     * @param string $cartId masked id
     * @param string $reference a distributor's code
     * @return bool
     * @throws \Magento\Framework\Exception\LocalizedException
     */
    public function set(string $cartId, string $reference): bool;
}
