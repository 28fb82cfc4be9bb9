<?php

declare(strict_types=1);

namespace Upline\Commission\Model\Resolver;

use Magento\Framework\Exception\InputException;
use Magento\Framework\Exception\NoSuchEntityException;
use Magento\Framework\GraphQl\Config\Element\Field;
use Magento\Framework\GraphQl\Exception\GraphQlAuthorizationException;
use Magento\Framework\GraphQl\Exception\GraphQlInputException;
use Magento\Framework\GraphQl\Exception\GraphQlNoSuchEntityException;
use Magento\Framework\GraphQl\Query\ResolverInterface;
use Magento\Framework\GraphQl\Schema\Type\ResolveInfo;
use Magento\Quote\Api\CartRepositoryInterface;
use Magento\Quote\Model\MaskedQuoteIdToQuoteIdInterface;
use Upline\Commission\Api\CartReferenceInterface;
use Upline\Commission\Domain\Reference;

/**
 * The mutation setUplineReferenceOnCart.
 */
class SetReferenceOnCart implements ResolverInterface
{
    /**
     * @param CartReferenceInterface $references
     * @param MaskedQuoteIdToQuoteIdInterface $masked
     * @param CartRepositoryInterface $carts
     */
    public function __construct(
        private readonly CartReferenceInterface $references,
        private readonly MaskedQuoteIdToQuoteIdInterface $masked,
        private readonly CartRepositoryInterface $carts
    ) {
    }

    /**
     * @inheritDoc
     */
    public function resolve(
        Field $field,
        $context,
        ResolveInfo $info,
        ?array $value = null,
        ?array $args = null
    ) {
        $reference = (string) ($args['input']['reference'] ?? '');
        try {
            $cart = $this->carts->get($this->masked->execute((string) ($args['input']['cart_id'] ?? '')));
            // A customer's cart is for that customer alone; a guest's for whoever knows its masked id.
            $ownerId = (int) $cart->getCustomer()->getId();
            if ($ownerId !== 0 && $ownerId !== (int) $context->getUserId()) {
                throw new GraphQlAuthorizationException(__('The current user cannot perform operations on this cart.'));
            }
            $this->references->set((int) $cart->getId(), $reference);
        } catch (NoSuchEntityException) {
            throw new GraphQlNoSuchEntityException(__('There is no such cart.'));
        } catch (InputException $fault) {
            throw new GraphQlInputException(__($fault->getMessage()), $fault);
        }
        return ['reference' => Reference::clean($reference)];
    }
}
